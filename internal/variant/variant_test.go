package variant

import (
	"os"
	"strings"
	"testing"
)

func TestVariantsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/contract-testing.md")
	if err != nil {
		t.Fatal(err)
	}
	document := strings.ReplaceAll(string(text), "`", "")
	for _, v := range All {
		if row := strings.Join([]string{"|", v.Name, "|", v.Effect, "|", v.Rule}, " "); !strings.Contains(document, "\n"+row) {
			t.Errorf("the table lacks %q", row)
		}
	}
}

func TestParseReportsTheNearestNameAndAll(t *testing.T) {
	for name, want := range map[string]string{
		"one_based":  `"one_based" is not a variant; the nearest is one-based; the variants are one-based, filter-before-latest, other-order, unknown-name-404, one-empty-page, omit-empty, offset-times, charset, unknown-parameter-400, lenient-spelling`,
		"everything": `"everything" is not a variant; the variants are one-based, filter-before-latest, other-order, unknown-name-404, one-empty-page, omit-empty, offset-times, charset, unknown-parameter-400, lenient-spelling`,
	} {
		if s, err := Parse([]string{charset, name}); s != nil || err == nil || err.Error() != want {
			t.Errorf("got %v, %v", s, err)
		}
	}
	if s, err := Parse([]string{charset, oneBased, charset}); err != nil || len(s) != 2 {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestNormalizeQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                                       "",
		"full_history=True&pagination.page=%2B1": "full_history=true&pagination.page=1",
		"pagination.page_size=007":               "pagination.page_size=7",
		"status=1&artifact_kind=0":               "status=DEPLOYED&artifact_kind=ARTIFACT_KIND_UNSPECIFIED",
		"status=&full_history=&environment_name=": "environment_name=",
		// Values that no parser accepts, and values of other parameters, stay as they are.
		"full_history=yes&pagination.page=1.5&status=4&artifact_kind=helm_chart":   "full_history=yes&pagination.page=1.5&status=4&artifact_kind=helm_chart",
		"pagination.page=2147483648&pagination.page_size=%zz&environment_name=007": "pagination.page=2147483648&pagination.page_size=%zz&environment_name=007",
	} {
		if got := normalizeQuery(query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestRewriteList(t *testing.T) {
	const empty = `{"deployment_records":[],"pagination":{"page":0,"page_size":20,"total_count":0,"total_pages":0}}`
	const one = `{"deployment_records":[{"artifact":{"digest":"<d>","version":""},"created_at":"2026-11-20T23:28:11.5Z","id":"a"}],"pagination":{"page":0,"total_count":9007199254740993}}`
	for _, c := range []struct{ variant, body, want string }{
		{oneEmptyPage, empty, `{"deployment_records":[],"pagination":{"page":0,"page_size":20,"total_count":0,"total_pages":1}}`},
		{oneEmptyPage, one, one},
		{omitEmpty, empty, `{"pagination":{"page_size":20}}`},
		{omitEmpty, one, `{"deployment_records":[{"artifact":{"digest":"<d>"},"created_at":"2026-11-20T23:28:11.5Z","id":"a"}],"pagination":{"total_count":9007199254740993}}`},
		{offsetTimes, one, `{"deployment_records":[{"artifact":{"digest":"<d>","version":""},"created_at":"2026-11-21T01:28:11.5+02:00","id":"a"}],"pagination":{"page":0,"total_count":9007199254740993}}`},
		{offsetTimes, "no list", "no list"},
	} {
		if got := string(Set{c.variant: true}.rewriteList([]byte(c.body))); got != c.want+"\n" && got != c.want {
			t.Errorf("%s: got %s, want %s", c.variant, got, c.want)
		}
	}
}
