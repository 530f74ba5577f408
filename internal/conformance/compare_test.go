package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// compared runs the suite against the right server and compares it with another.
func compared(t *testing.T, url string) *report.Comparison {
	t.Helper()
	o := options(t, newServer(t, rightMemory(), nil, smallPages))
	o.Compare = &conformance.Target{URL: url, Token: token(t)}
	result := run(t, o)
	wantSilence(t, result)
	if result.Comparison.Asked < 300 {
		t.Errorf("only %d questions were compared", result.Comparison.Asked)
	}
	return result.Comparison
}

func TestTwoServersThatAreTheSameDoNotDiffer(t *testing.T) {
	// What an error says to a person, and the order of properties, are no difference.
	front := func(next http.Handler) http.Handler {
		return body(400, `"message":"[^"]*"`, `"message":"in other words"`)(t, body(200, `"page":(\d+),"page_size":(\d+)`, `"page_size":$2,"page":$1`)(t, next))
	}
	if c := compared(t, newServer(t, rightMemory(), front, smallPages)); c.Different != 0 || c.Unsettled != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestTwoServersThatDifferAreShownToDiffer(t *testing.T) {
	lost := rightMemory()
	lost.entries = lost.entries[1:]
	for name, c := range map[string]struct {
		url  string
		want string
	}{
		"a record": {newServer(t, lost, nil, smallPages), "total_count is"},
		"a status": {newServer(t, rightMemory(), func(next http.Handler) http.Handler {
			return instead(400, 422, `{"code":3,"message":"x","details":["query: x"]}`)(t, next)
		}, smallPages), "status 400 here, 422 there"},
		"a code":       {newServer(t, rightMemory(), func(next http.Handler) http.Handler { return body(401, `"code":16`, `"code":7`)(t, next) }, smallPages), "code: 16 here; code: 7 there"},
		"a media type": {newServer(t, rightMemory(), func(next http.Handler) http.Handler { return header(200, "Content-Type", "text/json")(t, next) }, smallPages), `Content-Type "application/json" here, "text/json" there`},
		"a property": {newServer(t, rightMemory(), func(next http.Handler) http.Handler {
			return body(200, `"version":"1.0.0"`, `"version":"1.0"`)(t, next)
		}, smallPages), `artifact.version is "1.0.0" here`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := compared(t, c.url)
			if got.Different == 0 || len(got.Shown) == 0 {
				t.Fatalf("got %+v", got)
			}
			var texts []string
			for _, d := range got.Shown {
				texts = append(texts, d.Text)
				if !strings.Contains(d.Other, c.url) || !strings.Contains(d.Request, "$TOKEN") && strings.Contains(d.Other, "$TOKEN2") {
					t.Errorf("got %+v", d)
				}
			}
			if !strings.Contains(strings.Join(texts, "\n"), c.want) {
				t.Errorf("%q is not told: %q", c.want, texts)
			}
		})
	}
}
