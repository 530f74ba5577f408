package cli

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// A server that sends as much as the client reads does not make it take many times as much memory.
func TestHostileResponsesTakeBoundedMemory(t *testing.T) {
	const limit = 512 << 20 // of everything that is allocated for one response, garbage included
	records := strings.Repeat("{},", maxResponse/3-100)
	empty := strings.TrimSuffix(records, ",")
	some := strings.Repeat("{},", 299_999) + "{}"
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
		s := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, stderr, code := s.client("list", "--output", "csv")
		runtime.ReadMemStats(&after)
		if code == 0 || !strings.Contains(stderr, c.want) || len(stderr) > 16<<10 {
			t.Errorf("%s: exit code %d: %.300s", name, code, stderr)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > limit {
			t.Errorf("%s: allocated %d MiB", name, took>>20)
		}
	}
}

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
