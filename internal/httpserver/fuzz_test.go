package httpserver_test

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// FuzzHandler sends raw request lines and headers to the handler, with or without a token. No response is a 5xx or
// violates the contract.
func FuzzHandler(f *testing.F) {
	for _, query := range []string{
		"", "status=DEPLOYED", "full_history=true&pagination.page=2147483647&pagination.page_size=1",
		"environment_name=%00", "environment_name=%ZZ&a;b", "pagination.page=-1&pagination.page=1", "status=&artifact_kind=x",
		"project_version_name=v", "project_name=web&project_version_name=v1", "artifact_digest=%ff", "deployment_name=%25_*'\"\\",
		"pagination.page_size=007&full_history=TRUE", "%70agination.page=1", "x=1&x=2&=&&", "environment_name=%EF%BF%BD%F0%9F%9A%80",
	} {
		f.Add("GET", "/v1/deployments", query, "X-Request-Id: a", true)
		f.Add("GET", "/v1/deployments", query, "Authorization: Bearer a.b.c", false)
	}
	f.Add("OPTIONS", "*", "", "", true)
	f.Add("HEAD", "/v1/deployments/", "%", "Content-Length: 5", true)
	f.Add("POST", "/healthz", ";", "Authorization: Basic x", true)
	f.Add("CONNECT", "/v1/deployments", "", "Transfer-Encoding: chunked", true)

	handler := fuzzedHandler(f)
	bearer := token(f, "acme", func(r *auth.MintRequest) { r.TTL = 240 * time.Hour })

	f.Fuzz(func(t *testing.T, method, path, query, headers string, withToken bool) {
		text := method + " " + path + "?" + query + " HTTP/1.1\r\nHost: x\r\n" + headers
		if withToken {
			text += "\r\nAuthorization: Bearer " + bearer
		}
		// The handler sees only requests that net/http can read.
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n\r\n")))
		if err != nil {
			return // net/http rejects it before any handler
		}
		request.RemoteAddr = "192.0.2.1:1"
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		answer := recorder.Result()
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode >= 500 {
			t.Errorf("%q: %d %s", text, answer.StatusCode, body)
		}
		if err := contracttest.Check(request, answer.StatusCode, answer.Header, body); err != nil {
			t.Errorf("%q: %d %s\n%v", text, answer.StatusCode, body, err)
		}
	})
}

// fuzzedHandler returns a handler over a database with some records.
func fuzzedHandler(f *testing.F) http.Handler {
	f.Helper()
	s := storetest.Open(f, storetest.Engines[1].Migrated(f))
	storetest.Load(f, s, "acme",
		storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), storetest.WithProject("web", "v1")),
		storetest.Entry(2, 2, "eu", "api", storetest.WithKind(deployments.HelmChart), storetest.WithStatus(deployments.Superseded)))
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(f.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		f.Fatal(err)
	}
	handler, err := httpserver.New(httpserver.Options{
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(), AutoCreate: true,
		Logger: logger, Limits: httpserver.DefaultLimits(),
	})
	if err != nil {
		f.Fatal(err)
	}
	return handler
}
