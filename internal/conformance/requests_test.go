package conformance_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// firstFault returns the first fault of a rule.
func firstFault(t *testing.T, result *report.Report, rule string) report.Fault {
	t.Helper()
	outcome := resultOf(t, result, rule)
	if len(outcome.Shown) == 0 {
		t.Fatalf("%s is %q", rule, outcome.Verdict)
	}
	return outcome.Shown[0]
}

func TestFaultsShowTheSmallestRequest(t *testing.T) {
	// Broken for two parameters together only.
	front := rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
		if q := r.URL.Query(); q.Get("full_history") == "true" && q.Has("artifact_kind") && w.Code == 200 {
			w.Header().Set("Content-Type", "text/json")
		}
	})
	result := run(t, options(t, newServer(t, correctStore(), func(next http.Handler) http.Handler { return front(t, next) }, smallPages)))
	fault := firstFault(t, result, "answer.content-type")
	if len(fault.Requests) != 1 || strings.Count(fault.Requests[0], "=") != 2 || !strings.Contains(fault.Requests[0], "full_history=true") || !strings.Contains(fault.Requests[0], "artifact_kind=") {
		t.Errorf("got %q", fault.Requests)
	}

	result = run(t, options(t, newServer(t, correctStore(), func(next http.Handler) http.Handler {
		return replaceBody(200, `"pagination":`, `"next":1,"pagination":`)(t, next)
	}, smallPages)))
	if fault := firstFault(t, result, "body.undeclared"); !strings.HasSuffix(fault.Requests[0], "/v1/deployments'") {
		t.Errorf("got %q", fault.Requests)
	}
}

// The command of a fault sends the request of the suite.
func TestShownCommandsReproduceTheFault(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: make test reports it")
	}
	for _, c := range []struct {
		rule  string
		front middleware
		want  string
	}{
		{"request.invalid", replaceStatus(400, 500, `{"code":13,"message":"an internal error occurred","details":[]}`), "HTTP/1.1 500"},
		{"auth.altered", authenticateIf(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), "AAAA") }), "HTTP/1.1 200"},
		{"auth.unsigned", authenticateIf(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), ".") }), "HTTP/1.1 200"},
		{"auth.scheme", authenticateIf(func(h http.Header) bool { return strings.HasPrefix(h.Get("Authorization"), "Basic") }), "HTTP/1.1 200"},
		{"own.two-tokens", brokenMiddleware("the first of two tokens"), "HTTP/1.1 200"},
		{"own.encoding", brokenMiddleware("bad pairs are dropped"), "HTTP/1.1 200"},
	} {
		url := newServer(t, correctStore(), func(next http.Handler) http.Handler { return c.front(t, next) }, smallPages)
		fault := firstFault(t, run(t, options(t, url)), c.rule)
		cmd := exec.Command("sh", "-c", fault.Requests[0])
		cmd.Env = []string{"TOKEN=" + token(t), "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), c.want) {
			t.Errorf("%s: %s\n%v %s", c.rule, fault.Requests[0], err, out)
		}
	}
}

func brokenMiddleware(name string) middleware {
	for _, b := range brokenAnswers {
		if b.name == name {
			return b.front
		}
	}
	panic(name)
}

// Where requests are few, or writers make each relation take several, the phase of the filters ends early.
func TestFewRequestsJudgeBothRelationsOfFilters(t *testing.T) {
	o := options(t, newServer(t, correctStore(), nil, smallPages))
	o.Requests = 600
	result := run(t, o)
	for _, rule := range []string{"filter.subset", "filter.intersection"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.Kept {
			t.Errorf("%s is %q: %s", rule, outcome.Verdict, outcome.Why)
		}
	}
}
