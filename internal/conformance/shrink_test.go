package conformance_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// shown is the first fault of a rule.
func shown(t *testing.T, result *report.Report, rule string) report.Fault {
	t.Helper()
	outcome := find(t, result, rule)
	if len(outcome.Shown) == 0 {
		t.Fatalf("%s is %q", rule, outcome.Verdict)
	}
	return outcome.Shown[0]
}

func TestTheSmallestRequestIsShown(t *testing.T) {
	// Broken only where two parameters come together.
	front := rewritten(func(r *http.Request, w *httptest.ResponseRecorder) {
		if q := r.URL.Query(); q.Get("full_history") == "true" && q.Has("artifact_kind") && w.Code == 200 {
			w.Header().Set("Content-Type", "text/json")
		}
	})
	result := run(t, options(t, newServer(t, rightMemory(), func(next http.Handler) http.Handler { return front(t, next) }, smallPages)))
	fault := shown(t, result, "answer.content-type")
	if len(fault.Requests) != 1 || strings.Count(fault.Requests[0], "=") != 2 || !strings.Contains(fault.Requests[0], "full_history=true") || !strings.Contains(fault.Requests[0], "artifact_kind=") {
		t.Errorf("got %q", fault.Requests)
	}

	result = run(t, options(t, newServer(t, rightMemory(), func(next http.Handler) http.Handler {
		return body(200, `"pagination":`, `"next":1,"pagination":`)(t, next)
	}, smallPages)))
	if fault := shown(t, result, "body.undeclared"); !strings.HasSuffix(fault.Requests[0], "/v1/deployments'") {
		t.Errorf("got %q", fault.Requests)
	}
}

// A fault is shown as a command: what it sends is what the suite sent.
func TestTheCommandsThatAreShownRun(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: make test says so")
	}
	for _, c := range []struct {
		rule  string
		front frontFunc
		want  string
	}{
		{"request.invalid", instead(400, 500, `{"code":13,"message":"an internal error occurred","details":[]}`), "HTTP/1.1 500"},
		{"auth.altered", lets(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), "AAAA") }), "HTTP/1.1 200"},
		{"auth.unsigned", lets(func(h http.Header) bool { return strings.HasSuffix(h.Get("Authorization"), ".") }), "HTTP/1.1 200"},
		{"auth.scheme", lets(func(h http.Header) bool { return strings.HasPrefix(h.Get("Authorization"), "Basic") }), "HTTP/1.1 200"},
		{"own.two-tokens", brokenFront("the first of two tokens"), "HTTP/1.1 200"},
		{"own.encoding", brokenFront("bad pairs are dropped"), "HTTP/1.1 200"},
	} {
		url := newServer(t, rightMemory(), func(next http.Handler) http.Handler { return c.front(t, next) }, smallPages)
		fault := shown(t, run(t, options(t, url)), c.rule)
		cmd := exec.Command("sh", "-c", fault.Requests[0])
		cmd.Env = []string{"TOKEN=" + token(t), "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), c.want) {
			t.Errorf("%s: %s\n%v %s", c.rule, fault.Requests[0], err, out)
		}
	}
}

func brokenFront(name string) frontFunc {
	for _, b := range brokenAnswers {
		if b.name == name {
			return b.front
		}
	}
	panic(name)
}
