package conformance_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// smallPages make the tests of many servers quick.
func smallPages(o *httpserver.Options) {
	o.Paging = deployments.Paging{FirstPage: 0, DefaultSize: 20, MaxSize: 20}
}

// rightMemory is right, and knows the history.
func rightMemory() *memory {
	entries := history(3)
	for i := range entries {
		storetest.WithIDs("acme")(&entries[i])
	}
	return newMemory(entries)
}

func TestTheServerThatIsToBeBrokenIsRight(t *testing.T) {
	wantSilence(t, run(t, options(t, newServer(t, rightMemory(), nil, smallPages))))
}

// wantCaught runs the suite, strict, against a broken server. Whoever breaks a rule of docs/semantics.md breaks nothing
// that counts when the suite is not strict, unless more than that rule is broken.
func wantCaught(t *testing.T, url, rule string, more bool) {
	t.Helper()
	result := run(t, options(t, url))
	outcome := find(t, result, rule)
	if outcome.Verdict != report.Broken {
		var text bytes.Buffer
		_ = result.Write(&text, "text")
		t.Fatalf("%s is not caught, but %q:\n%s", rule, outcome.Verdict, text.String())
	}
	if len(outcome.Shown) == 0 || outcome.Shown[0].Text == "" || len(outcome.Shown[0].Requests) == 0 {
		t.Errorf("%s does not say what is wrong and which request shows it: %+v", rule, outcome.Shown)
	}
	if outcome.Basis != report.Own || more {
		return
	}
	for _, o := range result.Rules {
		if o.Verdict == report.Broken && o.Basis != report.Own {
			t.Errorf("without --strict, this would be no fault of %s, but of %s: %+v", rule, o.ID, o.Shown)
		}
	}
}

func find(t *testing.T, result *report.Report, rule string) report.Result {
	t.Helper()
	for _, o := range result.Rules {
		if o.ID == rule {
			return o
		}
	}
	t.Fatalf("there is no rule %s", rule)
	return report.Result{}
}

func TestServersThatFindTheWrongRecordsAreCaught(t *testing.T) {
	for _, broken := range brokenStores {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			m := rightMemory()
			broken.spoil(m)
			wantCaught(t, newServer(t, m, nil, smallPages), broken.rule, broken.more)
		})
	}
}

func TestServersThatAnswerWrongAreCaught(t *testing.T) {
	for _, broken := range brokenAnswers {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			front := func(next http.Handler) http.Handler { return broken.front(t, next) }
			wantCaught(t, newServer(t, rightMemory(), front, smallPages), broken.rule, broken.more)
		})
	}
}
