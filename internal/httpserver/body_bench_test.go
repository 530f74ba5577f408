package httpserver_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

// noStore answers recordings at once, so that a benchmark measures the rest.
type noStore struct{ deployments.Store }

func (noStore) Ready(context.Context) error { return nil }

func (noStore) Record(_ context.Context, _ string, batch deployments.Batch) (deployments.BatchResult, error) {
	return deployments.BatchResult{Items: make([]deployments.ItemResult, 1)}, nil
}

// BenchmarkDecode measures what a recording and a batch take before the store.
func BenchmarkDecode(b *testing.B) {
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(b.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		b.Fatal(err)
	}
	handler, err := httpserver.New(httpserver.Options{
		Store: noStore{}, Verifier: verifier, Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(), AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
	})
	if err != nil {
		b.Fatal(err)
	}
	bearer := "Bearer " + writer(b)
	var items []string
	for i := range 5000 {
		items = append(items, named(fmt.Sprint("shop/api-", i), i, `"logical_environment_name":"production"`, `"artifact_name":"registry.test/shop/api"`,
			`"artifact_version":"1.4"`, `"project_versions":[{"project_name":"shop","project_version_name":"v1.4"}]`))
	}
	for name, c := range map[string]struct{ path, body string }{
		"single":      {recordPath, items[0]},
		"batch-of-5k": {batchPath, batchBody("", items...)},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
				request.Header.Set("Authorization", bearer)
				request.Header.Set("Content-Type", "application/json")
				recorder := httptest.NewRecorder()
				handler.ServeHTTP(recorder, request)
				if recorder.Code != http.StatusOK {
					b.Fatalf("got %d %s", recorder.Code, recorder.Body)
				}
			}
		})
	}
}
