package httpserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// FuzzRecording sends bodies to the recording operations. No response is a 5xx or violates the contract.
func FuzzRecording(f *testing.F) {
	for _, body := range []string{
		deployment(1), deployment(1, `"status":"DECOMMISSIONED"`), deployment(1, `"project_versions":[{"project_name":"web","project_version_name":"v"}]`),
		batchBody("", deployment(1), named("b", 2)), batchBody(`,"partial":true`, deployment(1), "5", "{}", `{"environment_name":"\u0000"}`),
		batchBody(`,"complete":true,"allow_empty":true,"environment_name":"eu","observed_at":"2026-01-01T00:00:00Z"`), "", "null", "[]", `"x"`, `{"a":1,"a":2}`, "{}{}", "\xff",
		`{"deployments":[[[]]],"partial":true}`, `{"deployments":null,"partial":null}`, `{"environment_name":"\ud800"}`,
	} {
		f.Add(body, "application/json", "", true)
		f.Add(body, "application/json", "key", false)
	}
	f.Add("{}", "text/plain; charset=x", "\x00", false)
	handler := fuzzedHandler(f)
	bearer := token(f, "acme", func(r *auth.MintRequest) {
		r.TTL, r.Scopes = 240*time.Hour, []auth.Scope{auth.WriteDeployments}
	})
	f.Fuzz(func(t *testing.T, body, contentType, key string, batch bool) {
		path := recordPath
		if batch {
			path += "/batch"
		}
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+bearer)
		request.Header.Set("Content-Type", contentType)
		if key != "" && !batch {
			request.Header.Set("Idempotency-Key", key)
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		answer := recorder.Result()
		text, _ := io.ReadAll(answer.Body)
		if !slices.Contains([]int{200, 400, 415, 422}, answer.StatusCode) {
			t.Errorf("%q: %d %s", body, answer.StatusCode, text)
		}
		if err := contracttest.Check(request, answer.StatusCode, answer.Header, text); err != nil {
			t.Errorf("%q: %d %s\n%v", body, answer.StatusCode, text, err)
		}
	})
}
