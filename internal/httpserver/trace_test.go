package httpserver_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheLogHasTheTraceOfTheClient(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t)
	for _, c := range []struct{ traceparent, want string }{
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"},
		{"00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "5bf92f3577b34da6a3ce929d0e0e4736"},
		{"", ""},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"00-forged id=1-00f067aa0ba902b7-01", ""},
	} {
		before := len(server.log.String())
		server.do(http.MethodGet, "/healthz", "Traceparent: "+c.traceparent)
		line := server.log.String()[before:]
		if _, got, _ := strings.Cut(strings.TrimSpace(line), " trace_id="); got != c.want || !strings.Contains(line, "msg=request ") {
			t.Errorf("%q: got %q in %s", c.traceparent, got, line)
		}
	}
}
