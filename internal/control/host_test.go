package control_test

import (
	"net/http"
	"strings"
	"testing"
)

// A page whose name resolves to this machine has the origin of the control API.
func TestHostsOfOtherNamesAreRejected(t *testing.T) {
	local, remote := newStand(t), newStandOf(t, true)
	for _, c := range []struct {
		host          string
		local, remote int
	}{
		{"127.0.0.1:1", 200, 200},
		{"127.8.9.10", 200, 200},
		{"localhost:43118", 200, 200},
		{"LocalHost", 200, 200},
		{"[::1]:43118", 200, 200},
		{"[::1]", 200, 200},
		{"[::ffff:127.0.0.1]:1", 200, 200},
		{"203.0.113.7:43118", 403, 200},
		{"[2001:db8::7]:43118", 403, 200},
		{"rebound.example:43118", 403, 403},
		{"localhost.example", 403, 403},
		{"loopback.example", 403, 403},
		{"10", 403, 403},
		{"0x7f000001:43118", 403, 403},
		{"mock", 403, 200},
		{"Mock:43118", 403, 200},
		{"3f0c1d2e4b5a:43118", 403, 200},
		{"host.docker.internal:43118", 403, 200},
		{"mock.tests.svc.cluster.local:43118", 403, 200},
		{"mock.example.com:43118", 403, 403},
		{"mock.:43118", 403, 403},
		{"mock.local.", 403, 403},
	} {
		for _, path := range []string{"/sandboxes", "/openapi.control.yaml"} {
			for _, of := range []struct {
				s    *stand
				want int
			}{{local, c.local}, {remote, c.remote}} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, of.s.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Host = c.host
				status, body := of.s.do(request)
				if status != of.want || status == 403 && !strings.Contains(body, `"message":"Host: \"`+c.host+`\" is neither `) {
					t.Errorf("%s of %s: got %d %s, want %d", path, c.host, status, body, of.want)
				}
			}
		}
	}
}
