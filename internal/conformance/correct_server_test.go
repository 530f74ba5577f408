package conformance_test

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestThisServerHasNoFaults(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			s := storetest.Open(t, engine.URL(t))
			url := newServer(t, s, nil, upstreams)
			t.Run("empty", func(t *testing.T) { requireNoFaults(t, run(t, upstreamOptions(t, url))) })
			storetest.Load(t, s, "acme", history(8)...)
			t.Run("with data", func(t *testing.T) { requireNoFaults(t, run(t, upstreamOptions(t, url))) })
		})
	}
}

// Someone may have recorded the names that the suite tries as unused.
func TestRecordedProbeNamesAreNoFaults(t *testing.T) {
	m := correctStore()
	for i, name := range []string{"a'b\"c", "é 世界", strings.Repeat("n", 256), "../..", "<b>&amp;</b>", "\\", "a\tb"} {
		e := storetest.Entry(2000+i, 50+i, name, name, storetest.WithStage(name), storetest.WithProject(name, name), storetest.WithProject("shop", name))
		storetest.WithIDs("acme")(&e)
		m.entries = append(m.entries, e)
	}
	requireNoFaults(t, run(t, options(t, newServer(t, m, nil, smallPages))))
}

func TestOwnRulesAreFaultsOnlyIfStrict(t *testing.T) {
	m := correctStore()
	m.newer = func(a, b deployments.Record) bool { return b.NewerThan(a) }
	o := options(t, newServer(t, m, nil, smallPages))
	o.Strict = false
	result := run(t, o)
	requireNoFaults(t, result)
	if got := resultOf(t, result, "own.order"); got.Verdict != report.Differs || len(got.Shown) == 0 {
		t.Errorf("got %+v", got)
	}
}

func TestQ1_RejectedUnknownParametersAreASettingAndNoFault(t *testing.T) {
	for _, strict := range []bool{false, true} {
		o := options(t, newServer(t, correctStore(), nil, smallPages, func(o *httpserver.Options) { o.RejectUnknownParameters = true }))
		o.Strict = strict
		result := run(t, o)
		requireNoFaults(t, result)
		got := resultOf(t, result, "own.unknown-parameter")
		if got.Verdict != report.Differs || got.Faults != got.Tried || len(got.Shown) == 0 || !strings.Contains(got.Shown[0].Text, "--unknown-parameters=reject") {
			t.Errorf("strict %t: got %+v", strict, got)
		}
		if !strings.Contains(result.Summary(), "1 observed to differ") {
			t.Errorf("strict %t: the summary is %s", strict, result.Summary())
		}
	}
}

// The document allows other settings and units of pages.
func TestOtherReadingsOfTheDocumentAreNoFaults(t *testing.T) {
	for name, m := range map[string]*store{"with data": correctStore(), "with one record": newStore(correctStore().entries[:1]), "empty": newStore(nil)} {
		t.Run("pages from 1, which is a setting, "+name, func(t *testing.T) {
			requireNoFaults(t, run(t, options(t, newServer(t, m, nil, func(o *httpserver.Options) {
				o.Paging = deployments.Paging{FirstPage: 1, DefaultSize: 7, MaxSize: 20}
			}))))
		})
	}
	t.Run("pagination.page counts records", func(t *testing.T) {
		m := correctStore()
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, int64(page.Number), int64(page.Size))
		}
		o := options(t, newServer(t, m, nil, smallPages))
		o.Strict = false
		result := run(t, o)
		requireNoFaults(t, result)
		if got := resultOf(t, result, "own.page-base"); got.Verdict != report.Differs {
			t.Errorf("own.page-base is %q", got.Verdict)
		}
	})
}
