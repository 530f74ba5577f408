package conformance_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance"
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
	report := run(t, options(t, url))
	outcome := find(t, report, rule)
	if outcome.Verdict != conformance.Broken {
		var text bytes.Buffer
		_ = report.WriteText(&text)
		t.Fatalf("%s is not caught, but %q:\n%s", rule, outcome.Verdict, text.String())
	}
	if len(outcome.Shown) == 0 || outcome.Shown[0].Text == "" || len(outcome.Shown[0].Requests) == 0 {
		t.Errorf("%s does not say what is wrong and which request shows it: %+v", rule, outcome.Shown)
	}
	if outcome.Basis != conformance.Own || more {
		return
	}
	for _, o := range report.Rules {
		if o.Verdict == conformance.Broken && o.Basis != conformance.Own {
			t.Errorf("without --strict, this would be no fault of %s, but of %s: %+v", rule, o.ID, o.Shown)
		}
	}
}

func find(t *testing.T, report *conformance.Report, rule string) conformance.Outcome {
	t.Helper()
	for _, o := range report.Rules {
		if o.ID == rule {
			return o
		}
	}
	t.Fatalf("there is no rule %s", rule)
	return conformance.Outcome{}
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
