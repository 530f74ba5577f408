package control_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/generated/control/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/control"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// stand is a program whose sandboxes are steered by the control API.
type stand struct {
	t       *testing.T
	url     string
	handler http.Handler
	set     *sandbox.Set
	// client checks each response of the control API against its document, and api uses it.
	client *http.Client
	api    *client.ClientWithResponses
	// checked checks each response of a sandbox against the documents of the API.
	checked *http.Client
}

// newStand starts a program. Its main sandbox has no listener.
func newStand(t *testing.T) *stand {
	t.Helper()
	return newStandOf(t, false)
}

// newStandOf is newStand, with or without --control-allow-remote, and with other settings of its servers.
func newStandOf(t *testing.T, allowRemote bool, change ...func(*httpserver.Options)) *stand {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	main, err := sandbox.New(t.Context(), sandbox.Options{Organization: "test"})
	if err != nil {
		t.Fatal(err)
	}
	operations, err := faults.ReadOperations(deployrecords.OpenAPI(), contract.RecordingOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	settings := httpserver.Options{
		Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(), RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
	}
	for _, c := range change {
		c(&settings)
	}
	set, err := sandbox.NewSet(main, settings, httpserver.New, "127.0.0.1", operations)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := control.New(set, allowRemote, logger)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		set.Close()
		_ = main.Store.Close()
	})
	checking := contracttest.ClientOf(t, contract.ControlOpenAPI())
	api, err := client.NewClientWithResponses(server.URL, client.WithHTTPClient(checking))
	if err != nil {
		t.Fatal(err)
	}
	return &stand{t, server.URL, handler, set, checking, api, contracttest.Client(t)}
}

func records(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../deployrecordstest/testdata/records.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var now = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)

// create creates a sandbox with the records.
func (s *stand) create(ndjson string) *client.Sandbox {
	s.t.Helper()
	response, err := s.api.CreateSandboxWithBodyWithResponse(context.Background(), &client.CreateSandboxParams{Now: &now, Seed: new(int64(7))}, "application/x-ndjson", strings.NewReader(ndjson))
	if err != nil || response.JSON200 == nil {
		s.t.Fatalf("%v, %s", err, response.Body)
	}
	return response.JSON200
}

// request sends a request to a sandbox with a token and returns the status and the body.
func (s *stand) request(method, url, token, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.checked.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// list returns the first page of a sandbox.
func (s *stand) list(box *client.Sandbox) string {
	s.t.Helper()
	status, body := s.request(http.MethodGet, box.Url+"/v1/deployments?full_history=true", box.Token, "")
	if status != http.StatusOK {
		s.t.Errorf("got %d %s", status, body)
	}
	return body
}

// record records a deployment in a sandbox and returns the response.
func (s *stand) record(box *client.Sandbox) string {
	s.t.Helper()
	status, body := s.request(http.MethodPost, box.Url+contract.RecordingPath, box.Token,
		`{"environment_name":"new","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`)
	if status != http.StatusOK {
		s.t.Errorf("got %d %s", status, body)
	}
	return body
}

// send sends a request to the control API that the generated client cannot make, and returns the status and the body.
func (s *stand) send(method, path, contentType, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return s.do(request)
}

// do sends a request to the control API and returns the status and the body.
func (s *stand) do(request *http.Request) (int, string) {
	s.t.Helper()
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}
