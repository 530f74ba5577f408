package httpserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Downloads that their clients do not read hold the place of their own organization.
func TestSlowPagesExportsLeaveAPlaceToOtherOrganizations(t *testing.T) {
	t.Parallel()
	records := make([]deployments.Record, 40_000) // more bytes than the buffers of a connection
	for i := range records {
		records[i] = deployments.Record{EnvironmentName: strings.Repeat("e", 250), DeploymentName: strings.Repeat("d", 250)}
	}
	server := newServer(t, stubStore{list: func(context.Context) (deployments.Result, error) {
		return deployments.Result{Records: records, Total: int64(len(records))}, nil
	}}, withPages)
	download := func(organization string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url+"/records/csv", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token(t, organization))
		response, err := server.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() }) // nothing reads the body before
		return response
	}
	if response := download("acme"); response.StatusCode != http.StatusOK {
		t.Fatalf("the first: %d", response.StatusCode)
	}
	if response := download("acme"); response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("the second of an organization: %d %v", response.StatusCode, response.Header)
	}
	if response := download("globex"); response.StatusCode != http.StatusOK {
		t.Errorf("another organization: %d", response.StatusCode)
	}
	if response := download("initech"); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("beyond all places: %d", response.StatusCode)
	}
}

func TestTheRateLimitHoldsForPages(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages, func(o *options) { o.Limits.Rate = 1 })
	session := server.login(token(t, "acme"))
	var limited answer
	for n := 0; limited.status != http.StatusTooManyRequests; n++ {
		if n > 1000 {
			t.Fatal("no request was rejected")
		}
		limited = server.do(http.MethodGet, "/records", session)
	}
	if limited.header.Get("Retry-After") == "" || !strings.Contains(string(limited.body), "more than 1 requests a second") {
		t.Errorf("got %v %s", limited.header, limited.body)
	}
	if answer := server.do(http.MethodGet, "/records", server.login(token(t, "globex"))); answer.status != http.StatusOK {
		t.Errorf("another organization: got %d", answer.status)
	}
}
