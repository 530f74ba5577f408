package contracttest

import (
	"net/http"
	"strings"
	"testing"
)

// A validator that does not find the operation of a request reports no violation.
func TestBothValidatorsCheckDocumentedOperations(t *testing.T) {
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:1/v1/deployments?page=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "X-Request-Id": {"x"}}
	for name, c := range map[string]struct{ body, validator string }{
		"a field of another type": {`{"pagination":{"page":"0"}}`, "kin-openapi"},
		"an undeclared field":     {`{"more":1}`, "libopenapi"},
	} {
		if err := Check(request, http.StatusOK, header, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.validator) {
			t.Errorf("%s: %s reports no violation: %v", name, c.validator, err)
		}
	}
}
