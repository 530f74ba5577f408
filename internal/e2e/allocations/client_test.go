package allocations

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/cli"
)

// A server that sends as much as the client reads does not make it take many times as much memory.
func TestHostileResponsesTakeBoundedMemory(t *testing.T) {
	const (
		limit       = 512 << 20 // of everything that is allocated for one response, garbage included
		maxResponse = 64 << 20  // what the client reads
	)
	records := strings.Repeat("{},", maxResponse/3-100)
	empty := strings.TrimSuffix(records, ",")
	some := strings.Repeat("{},", 299_999) + "{}"
	t.Setenv("DEPLOYRECORDS_TOKEN", "a.b.c")
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"records":         {200, `{"deployment_records":[` + empty + `],"pagination":{"page":0,"page_size":2147483647,"total_count":1,"total_pages":1}}`, "responded with more than 131072 records"},
		"pagination":      {200, `{"pagination":{"page":0,"page_size":100,"total_count":1,"total_pages":1,"x":[` + some + `]},"deployment_records":[{},{}],"deployment_records":[` + some + `]}`, "responded with more than 131072 records"},
		"another member":  {200, `{"x":[` + empty + `],"y":1}`, "responded 200 without a list of records"},
		"members":         {200, "{" + strings.Repeat(`"":0,`, maxResponse/5-100) + `"":0}`, "responded 200 without a list of records"},
		"details":         {400, `{"code":3,"message":"m","details":[` + some + `]}`, "and 299980 more"},
		"endless details": {400, `{"code":3,"message":"m","details":[` + empty + `]}`, "the server rejected the request: 400 Bad Request"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		t.Setenv("DEPLOYRECORDS_URL", server.URL)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var stderr bytes.Buffer
		code := cli.Run(t.Context(), []string{"list", "--output", "csv"}, cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: &stderr})
		runtime.ReadMemStats(&after)
		server.Close()
		if code == 0 || !strings.Contains(stderr.String(), c.want) || stderr.Len() > 16<<10 {
			t.Errorf("%s: exit code %d: %.300s", name, code, stderr.String())
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > limit {
			t.Errorf("%s: allocated %d MiB", name, took>>20)
		}
	}
}
