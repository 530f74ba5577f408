package httpserver_test

import (
	"net/http"
	"slices"
	"testing"
)

func TestR4_CORSLetsExactOriginsReadTheAPI(t *testing.T) {
	t.Parallel()
	const good, preflight = "Origin: https://dash.example", "Access-Control-Request-Method: GET"
	bearer := "Authorization: Bearer " + token(t, "acme")
	server, _ := onSQLite(t, withDocument(t), withPages, func(o *options) { o.CORSOrigins = []string{"https://dash.example"} })
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		origin       string
		shared       bool
	}{
		{"GET", "/v1/deployments", []string{good, bearer}, 200, "https://dash.example", true},
		{"GET", "/v1/deployments", []string{bearer}, 200, "", true},
		{"GET", "/v1/deployments", []string{good}, 401, "https://dash.example", true},
		{"GET", "/v1/nothing", []string{good}, 404, "https://dash.example", true},
		{"GET", "/openapi.local.yaml", []string{good}, 200, "https://dash.example", true},
		{"OPTIONS", "/v1/deployments", []string{good, preflight}, 204, "https://dash.example", true},
		{"OPTIONS", "/v1/nothing", []string{good, preflight}, 204, "https://dash.example", true},
		{"OPTIONS", "/openapi.yaml", []string{good, preflight}, 204, "https://dash.example", true},
		{"OPTIONS", "/v1/deployments", []string{good}, 405, "https://dash.example", true},
		{"OPTIONS", "/v1/deployments", []string{"Origin: https://evil.example", preflight}, 204, "", true},
		{"GET", "/v1/deployments", []string{"Origin: https://dash.example.evil", bearer}, 200, "", true},
		{"GET", "/v1/deployments", []string{"Origin: null", bearer}, 200, "", true},
		{"GET", "/v1/deployments", []string{"Origin: HTTPS://DASH.EXAMPLE", bearer}, 200, "", true},
		{"GET", "/healthz", []string{good}, 200, "", false},
		{"GET", "/records", []string{good, bearer}, 200, "", false},
		{"OPTIONS", "/records", []string{good, preflight}, 405, "", false},
	} {
		answer := server.do(c.method, c.path, c.headers...)
		vary := slices.Contains(answer.header.Values("Vary"), "Origin")
		if origin := answer.header.Get("Access-Control-Allow-Origin"); answer.status != c.status || origin != c.origin || vary != c.shared {
			t.Errorf("%s %s %q: got %d, origin %q, Vary: Origin %t", c.method, c.path, c.headers, answer.status, origin, vary)
		}
		if answer.header.Get("Access-Control-Allow-Credentials") != "" || answer.header.Get("Access-Control-Allow-Origin") == "*" {
			t.Errorf("%s %s: %v", c.method, c.path, answer.header)
		}
		if methods := answer.header.Get("Access-Control-Allow-Methods"); (methods != "") != (c.status == http.StatusNoContent && c.origin != "") {
			t.Errorf("%s %s %q: the methods are %q", c.method, c.path, c.headers, methods)
		}
	}
	further, _ := onSQLite(t, withDocument(t), func(o *options) {
		o.CORSOrigins, o.CORSHeaders = []string{"https://dash.example"}, []string{"Prefer"}
	})
	for want, s := range map[string]*testServer{
		"Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id":         server,
		"Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id, Prefer": further,
	} {
		if got := s.do("OPTIONS", "/v1/deployments", good, preflight).header.Get("Access-Control-Allow-Headers"); got != want {
			t.Errorf("allowed headers: got %s, want %s", got, want)
		}
	}
	without, _ := onSQLite(t, withDocument(t))
	answer := without.do("OPTIONS", "/v1/deployments", good, preflight)
	if answer.status != 405 || answer.header.Get("Vary") != "" || answer.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without the setting: %d %v", answer.status, answer.header)
	}
}
