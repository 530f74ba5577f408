package cli

import (
	"net/http"
	"strings"
	"testing"
)

func TestListRejectsMoreRecordsThanThePageSize(t *testing.T) {
	for _, output := range []string{"table", "json", "ndjson", "csv"} {
		s := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"deployment_records":[{},{},{}],"pagination":{"page":0,"page_size":2,"total_count":3,"total_pages":2}}`))
		})
		stdout, stderr, code := s.client("list", "--output", output)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "responded with 3 records and a page_size of 2") {
			t.Errorf("%s: exit code %d: %s%s", output, code, stdout, stderr)
		}
	}
}
