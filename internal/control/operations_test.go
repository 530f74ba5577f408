package control_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contract"
)

// The client of the stand checks that the document has the statuses.
func TestEveryOperationRejectsUnknownParametersAndOtherHosts(t *testing.T) {
	s := newStand(t)
	doc, err := openapi3.NewLoader().LoadFromData(contract.ControlOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	operations := 0
	for path, item := range doc.Paths.Map() {
		path = strings.NewReplacer("{organization}", "test", "{fault}", "fault-1").Replace(path)
		for method := range item.Operations() {
			operations++
			for _, c := range []struct {
				host, query string
				status      int
				want        string
			}{
				{"localhost", "?unknown=1", 400, "unknown: is not a parameter of " + method},
				{"rebound.example", "", 403, "is neither localhost nor a loopback address"},
			} {
				request, err := http.NewRequestWithContext(t.Context(), method, s.url+path+c.query, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", "application/json")
				if strings.HasSuffix(path, "/records") || path == "/sandboxes" {
					request.Header.Set("Content-Type", "application/x-ndjson")
				}
				request.Host = c.host
				if status, body := s.do(request); status != c.status || !strings.Contains(body, c.want) {
					t.Errorf("%s %s of %s: got %d %s, want %d %s", method, path+c.query, c.host, status, body, c.status, c.want)
				}
			}
		}
	}
	if operations != 14 {
		t.Errorf("%d operations", operations)
	}
}
