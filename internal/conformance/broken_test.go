package conformance_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// smallPages makes tests of many servers fast.
func smallPages(o *httpserver.Options) {
	o.Paging = deployments.Paging{FirstPage: 0, DefaultSize: 20, MaxSize: 20}
}

// correctStore returns a store without defects, with the records of history.
func correctStore() *store {
	entries := history(3)
	for i := range entries {
		storetest.WithIDs("acme")(&entries[i])
	}
	return newStore(entries)
}

func TestUnmodifiedServerHasNoFaults(t *testing.T) {
	requireNoFaults(t, run(t, options(t, newServer(t, correctStore(), nil, smallPages))))
}

// requireFault runs the strict suite against a broken server and requires a fault of the rule. An eighth of the default requests
// finds most faults; a few need all of them. Unless more, a server that breaks a rule of docs/semantics.md must break no rule that
// counts in runs that are not strict, by half of the requests at least.
func requireFault(t *testing.T, url, rule string, more bool) {
	t.Helper()
	var result *report.Report
	var outcome report.Result
	for _, part := range []int{8, 2, 1} {
		o := options(t, url)
		o.Requests = conformance.DefaultRequests / part
		result = run(t, o)
		outcome = resultOf(t, result, rule)
		if breaksOthers := outcome.Basis != report.Own || more; outcome.Verdict == report.Broken && (breaksOthers || part < 8) {
			break
		}
	}
	if outcome.Verdict != report.Broken {
		var text bytes.Buffer
		_ = result.Write(&text, "text")
		t.Fatalf("%s is %q, not a fault:\n%s", rule, outcome.Verdict, text.String())
	}
	if len(outcome.Shown) == 0 || outcome.Shown[0].Text == "" || len(outcome.Shown[0].Requests) == 0 {
		t.Errorf("%s shows no text or no request: %+v", rule, outcome.Shown)
	}
	if outcome.Basis != report.Own || more {
		return
	}
	for _, o := range result.Rules {
		if o.Verdict == report.Broken && o.Basis != report.Own {
			t.Errorf("without --strict, this is no fault of %s, but of %s: %+v", rule, o.ID, o.Shown)
		}
	}
}

func resultOf(t *testing.T, result *report.Report, rule string) report.Result {
	t.Helper()
	for _, o := range result.Rules {
		if o.ID == rule {
			return o
		}
	}
	t.Fatalf("there is no rule %s", rule)
	return report.Result{}
}

func TestBrokenStoresAreDetected(t *testing.T) {
	for _, broken := range brokenStores {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			m := correctStore()
			broken.mutate(m)
			requireFault(t, newServer(t, m, nil, smallPages), broken.rule, broken.more)
		})
	}
}

func TestBrokenAnswersAreDetected(t *testing.T) {
	for _, broken := range brokenAnswers {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			front := func(next http.Handler) http.Handler { return broken.front(t, next) }
			requireFault(t, newServer(t, correctStore(), front, smallPages), broken.rule, broken.more)
		})
	}
}
