package conformance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/variant"
)

// compareWith compares the unmodified server with another.
func compareWith(t *testing.T, url string) *report.Comparison {
	t.Helper()
	o := options(t, newServer(t, correctStore(), nil, smallPages))
	o.Compare = &conformance.Target{URL: url, Token: token(t)}
	result := run(t, o)
	requireNoFaults(t, result)
	if result.Comparison.Asked < 300 {
		t.Errorf("only %d requests were compared", result.Comparison.Asked)
	}
	return result.Comparison
}

func TestCompare_EqualServersHaveNoDifferences(t *testing.T) {
	// Error messages and the order of properties are no differences.
	front := func(next http.Handler) http.Handler {
		return replaceBody(400, `"message":"[^"]*"`, `"message":"in other words"`)(t, replaceBody(200, `"page":(\d+),"page_size":(\d+)`, `"page_size":$2,"page":$1`)(t, next))
	}
	if c := compareWith(t, newServer(t, correctStore(), front, smallPages)); c.Different != 0 || c.Unsettled != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestCompare_ReportsDifferences(t *testing.T) {
	lost := correctStore()
	lost.entries = lost.entries[1:]
	for name, c := range map[string]struct {
		url  string
		want string
		kind string
	}{
		"a record": {newServer(t, lost, nil, smallPages), "total_count is", report.RecordsDiffer},
		"an order": {newVariantServer(t, correctStore(), variant.Set{"other-order": true}, nil, smallPages), "artifact.digest is", report.OrderDiffers},
		"a page":   {newVariantServer(t, correctStore(), variant.Set{"one-based": true}, nil, smallPages), "pagination.page is 0 here; pagination.page is 1 there", report.TotalsDiffer},
		"a field":  {newServer(t, correctStore(), func(next http.Handler) http.Handler { return replaceBody(200, `"last_seen_at":"[^"]*",`, ``)(t, next) }, smallPages), "last_seen_at is", report.FieldsDiffer},
		"a status": {newServer(t, correctStore(), func(next http.Handler) http.Handler {
			return replaceStatus(400, 422, `{"code":3,"message":"x","details":["query: x"]}`)(t, next)
		}, smallPages), "status 400 here, 422 there", report.StatusDiffers},
		"a code":       {newServer(t, correctStore(), func(next http.Handler) http.Handler { return replaceBody(401, `"code":16`, `"code":7`)(t, next) }, smallPages), "code: 16 here; code: 7 there", report.ErrorDiffers},
		"a media type": {newServer(t, correctStore(), func(next http.Handler) http.Handler { return replaceHeader(200, "Content-Type", "text/json")(t, next) }, smallPages), `Content-Type "application/json" here, "text/json" there`, report.TypeDiffers},
		"a property": {newServer(t, correctStore(), func(next http.Handler) http.Handler {
			return replaceBody(200, `"version":"1.0.0"`, `"version":"1.0"`)(t, next)
		}, smallPages), `artifact.version is "1.0.0" here`, report.ValuesDiffer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := compareWith(t, c.url)
			if got.Different == 0 || len(got.Shown) == 0 {
				t.Fatalf("got %+v", got)
			}
			kinds := got.ByKind()
			if !slices.ContainsFunc(kinds, func(k report.KindOfDifferences) bool {
				return k.Kind == c.kind && k.Different == got.Kinds[c.kind] && len(k.Shown) > 0
			}) {
				t.Errorf("no difference is of the kind %s: %+v", c.kind, got.Kinds)
			}
			var texts []string
			for _, d := range got.Shown {
				texts = append(texts, d.Text)
				if !strings.Contains(d.Other, c.url) || !strings.Contains(d.Request, "$TOKEN") && strings.Contains(d.Other, "$TOKEN2") {
					t.Errorf("got %+v", d)
				}
			}
			if !strings.Contains(strings.Join(texts, "\n"), c.want) {
				t.Errorf("the texts lack %q: %q", c.want, texts)
			}
		})
	}
}
