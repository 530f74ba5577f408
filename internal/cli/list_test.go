package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/recordcsv"
)

func TestFlagsBecomeParameters(t *testing.T) {
	for want, args := range map[string][]string{
		"": nil,
		"environment_name=prod eu&logical_environment_name=production&deployment_name=a&b=": {"--environment", "prod eu", "--logical-environment", "production", "--deployment", "a&b="},
		"project_name=web, shop&project_version_name=v1;2":                                  {"--project", "web, shop", "--project-version", "v1;2"},
		"artifact_digest=" + testDigest + "&full_history=true":                              {"--digest", testDigest, "--full-history"},
		"artifact_kind=CONTAINER_IMAGE&status=DEPLOYED":                                     {"--kind", "image", "--status", "deployed"},
		"artifact_kind=HELM_CHART&status=SUPERSEDED":                                        {"--kind", "HELM_CHART", "--status", "SUPERSEDED"},
		"artifact_kind=CONTAINER_IMAGE&status=DECOMMISSIONED":                               {"--kind", "container_image", "--status", "Decommissioned"},
		"pagination.page=0&pagination.page_size=20":                                         {"--page", "0", "--page-size", "20"},
		"pagination.page=2147483647&pagination.page_size=0":                                 {"--page", "2147483647", "--page-size", "0"},
		"environment_name=100%&deployment_name=+ é#?/":                                      {"--environment", "100%", "--deployment", "+ é#?/"},
	} {
		s := newAPI(t)
		if _, stderr, code := s.client(append([]string{"list", "--output", "json"}, args...)...); code != 0 {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
			continue
		}
		got := s.asked()[0].query
		parsed := url.Values{}
		for _, pair := range splitPairs(want) {
			parsed.Add(pair[0], pair[1])
		}
		if !reflect.DeepEqual(got, parsed) {
			t.Errorf("%v: asked %v, not %v", args, got, parsed)
		}
	}
}

// splitPairs splits at an & only before the name of a parameter.
func splitPairs(text string) (pairs [][2]string) {
	for part := range strings.SplitSeq(text, "&") {
		name, value, found := strings.Cut(part, "=")
		switch {
		case found && (strings.Contains(name, "_") || strings.HasPrefix(name, "pagination.") || name == "status"):
			pairs = append(pairs, [2]string{name, value})
		case len(pairs) > 0:
			pairs[len(pairs)-1][1] += "&" + part
		}
	}
	return pairs
}

func TestListReportsAllViolationsTogether(t *testing.T) {
	clientEnvironment(t, "http://127.0.0.1:1")
	for _, page := range [][]string{{"--page=-1"}, {"--page", "-1"}} {
		_, stderr, code := run(t, append([]string{
			"list", "--kind", "tarball", "--status", "gone", "--page-size", "2147483648",
			"--all", "--output", "xml", "--project-version", "v1", "--digest", "abc", "--timeout=0s",
		}, page...)...)
		if code != 2 {
			t.Errorf("exit code %d", code)
		}
		golden(t, "list-faults.txt", stderr)
	}
}

func TestListRejectsWhatIsNoDigest(t *testing.T) {
	s := newAPI(t)
	for _, digest := range []string{"abc", "sha1:" + strings.Repeat("0", 40), strings.ToUpper(testDigest), testDigest[:len(testDigest)-1]} {
		stdout, stderr, code := s.client("list", "--digest", digest)
		if code != 2 || stdout != "" || !strings.Contains(stderr, "  --digest: "+deployments.Quote(digest)+" ") || len(s.asked()) != 0 {
			t.Errorf("%s: exit code %d, %s%s", digest, code, stdout, stderr)
		}
	}
}

func TestNegativeNumbersOfPagesAreNotTakenForFlags(t *testing.T) {
	clientEnvironment(t, "http://127.0.0.1:1")
	for _, flag := range []string{"--page", "--page-size"} {
		if _, stderr, code := run(t, "list", flag, "-1"); code != 2 || !strings.HasSuffix(stderr, "\n  "+flag+": \"-1\" is not a whole number from 0 to 2147483647\n") {
			t.Errorf("%s: exit code %d, %s", flag, code, stderr)
		}
	}
}

// An empty flag comes from a variable that is not set. The API ignores an empty filter and would list everything.
func TestListRejectsEveryEmptyFilter(t *testing.T) {
	for _, flag := range []string{
		"--environment", "--logical-environment", "--deployment", "--project", "--project-version", "--digest", "--kind", "--status",
	} {
		s := newAPI(t)
		args := []string{"list", flag, ""}
		if flag == "--project-version" {
			args = append(args, "--project", "web")
		}
		stdout, stderr, code := s.client(args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, flag+": ") || len(s.asked()) != 0 {
			t.Errorf("%s: exit code %d after %d requests\n%s%s", flag, code, len(s.asked()), stdout, stderr)
		}
	}
}

func TestListReportsTheNumberOfRecordsNotShown(t *testing.T) {
	s := newAPI(t)
	s.records = testRecords(345)
	stdout, stderr, code := s.client("list", "--page-size", "20")
	if code != 0 || stderr != "20 of 345 records\n" || strings.Count(stdout, "\n") != 21 ||
		!strings.HasPrefix(stdout, "ENVIRONMENT  DEPLOYMENT  ARTIFACT  STATUS    AGE\nprod-eu      api-345     api:1.4   DEPLOYED  ") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = s.client("list", "--page-size", "345")
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 346 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = s.client("list", "--page", "9")
	if code != 0 || stderr != "0 of 345 records\n" || stdout != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.records = nil
	stdout, stderr, code = s.client("list")
	if code != 0 || stderr != "no records\n" || stdout != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// forms has, for each output format, a function that returns the ids in order.
var forms = map[string]func(t *testing.T, text string) []string{
	"ndjson": func(t *testing.T, text string) (ids []string) {
		for entry, err := range importer.Entries(strings.NewReader(text), time.Now) {
			if err != nil {
				t.Error(err)
			}
			ids = append(ids, entry.Record.ID)
		}
		return ids
	},
	"csv": func(t *testing.T, text string) (ids []string) {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || !slices.Equal(rows[0], recordcsv.Header) || strings.Count(text, "\r\n") != strings.Count(text, "\n") {
			t.Fatal(err, text)
		}
		for _, row := range rows[1:] {
			ids = append(ids, row[0])
		}
		return ids
	},
	"json": func(t *testing.T, text string) (ids []string) {
		var list struct {
			Records []struct {
				ID string `json:"id"`
			} `json:"deployment_records"`
			Pagination *struct{ Page, TotalCount int } `json:"pagination"`
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || list.Pagination == nil || list.Records == nil {
			t.Error(err, text)
		}
		for _, r := range list.Records {
			ids = append(ids, r.ID)
		}
		return ids
	},
}

func idsOf(records []map[string]any) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r["id"].(string)
	}
	return ids
}

func TestAllPagesOfZeroBasedAndOneBasedServers(t *testing.T) {
	for _, first := range []int{0, 1} {
		for _, n := range []int{0, 1, 10, 11, 35} {
			for form, read := range forms {
				s := newAPI(t)
				s.firstPage, s.records = first, testRecords(n)
				stdout, stderr, code := s.client("list", "--all", "--page-size", "10", "--output", form, "--retry-for", "1m")
				if got := read(t, stdout); code != 0 || n > 0 && stderr != "" || !slices.Equal(got, idsOf(s.records)) && n > 0 || len(got) != n {
					t.Errorf("first page %d, %d records, %s: exit code %d, got %d records\n%s", first, n, form, code, len(got), stderr)
				}
				if got, want := len(s.asked()), max(1, (n+9)/10); got != want {
					t.Errorf("first page %d, %d records, %s: %d requests, not %d", first, n, form, got, want)
				}
			}
		}
	}
}

func TestRecordsAddedDuringAListingAreNotRepeated(t *testing.T) {
	for form, read := range forms {
		s := newAPI(t)
		before := testRecords(30)
		s.records = before
		s.listed = func(s *apiServer, page int) {
			if page > 0 && page < 3 { // three records are added before the second page, and before the third
				s.records = append(testRecords(1000 + 3*page)[:3], s.records...)
			}
		}
		stdout, stderr, code := s.client("list", "--all", "--page-size", "10", "--output", form, "--retry-for", "1m")
		if got := read(t, stdout); code != 0 || !slices.Equal(got, idsOf(before)) {
			t.Errorf("%s: exit code %d, got %d records\n%s", form, code, len(got), stderr)
		}
		if n := len(s.asked()); n != 4 { // 36 records in the end
			t.Errorf("%s: %d requests", form, n)
		}
	}
}

func TestRecordsRemovedDuringAListing(t *testing.T) {
	s := newAPI(t)
	s.records = testRecords(30)
	s.listed = func(s *apiServer, page int) {
		if page == 1 {
			s.records = s.records[:5]
		}
	}
	stdout, stderr, code := s.client("list", "--all", "--page-size", "10", "--output", "ndjson")
	if code != 0 || strings.Count(stdout, "\n") != 10 || len(s.asked()) != 2 {
		t.Errorf("exit code %d after %d requests\n%s", code, len(s.asked()), stderr)
	}
}

func TestAServerThatRepeatsAPageIsAnError(t *testing.T) {
	s := newAPI(t)
	s.records = testRecords(30)
	same := func(w http.ResponseWriter, _ *http.Request) {
		s.list(w, url.Values{"pagination.page_size": {"10"}})
	}
	s.trouble = repeat(10, same)
	_, stderr, code := s.client("list", "--all", "--page-size", "10", "--output", "ndjson")
	if code != 1 || !strings.Contains(stderr, "has no new records on page 1") || !strings.Contains(stderr, "incomplete: it has 10 of 30 records") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestJSONOfAllPagesIsOneResponse(t *testing.T) {
	s := newAPI(t)
	s.records, s.firstPage = testRecords(25), 1
	stdout, _, _ := s.client("list", "--all", "--page-size", "10", "--output", "json")
	want := map[string]any{
		"deployment_records": s.records,
		"pagination":         map[string]any{"page": 3, "page_size": 10, "total_count": 25, "total_pages": 3},
	}
	if got, want := decoded(t, stdout), decoded(t, encoded(t, want)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err, text)
	}
	return value
}

func TestJSONOfOnePageIsTheResponse(t *testing.T) {
	const body = "{ \"deployment_records\": [ {\"id\": \"x\", \"new\": 1.0} ],\n  \"pagination\": {\"total_count\": 1}, \"more\": null }"
	s := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	stdout, stderr, code := s.client("list", "--output", "json")
	if code != 0 || stdout != body+"\n" || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// hard returns records that output formats could get wrong.
func hard() []map[string]any {
	records := testRecords(3)
	records[0]["environment_name"] = `a "quoted", name; with <tags> & 'more' \ = é` + "\u2028"
	records[0]["deployment_name"] = "=1+2"
	records[1]["artifact"] = map[string]any{"kind": "HELM_CHART", "name": "", "version": "", "digest": testDigest}
	delete(records[1], "logical_environment_id")
	delete(records[1], "logical_environment_name")
	records[2]["created_at"] = "2025-12-31T23:59:59.000001Z"
	return records
}

func TestImportReadsNDJSON(t *testing.T) {
	s := newAPI(t)
	s.records = hard()
	stdout, _, code := s.client("list", "--output", "ndjson")
	if code != 0 || strings.Count(stdout, "\n") != 3 {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	var again []byte
	for entry, err := range importer.Entries(strings.NewReader(stdout), time.Now) {
		if err != nil {
			t.Fatal(err)
		}
		again, err = importer.AppendLine(again, deployments.ImportEntry{Record: entry.Record})
		if err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.Split(bytes.TrimSpace(again), []byte("\n"))
	for i, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		got, want := decoded(t, string(lines[i])), decoded(t, encoded(t, s.records[i]))
		if direct := decoded(t, line); !reflect.DeepEqual(direct, want) || !reflect.DeepEqual(got, want) {
			t.Errorf("record %d: got %v, not %v", i, got, want)
		}
	}
}

func TestCSVHasUnchangedValues(t *testing.T) {
	s := newAPI(t)
	s.records = hard()
	stdout, _, _ := s.client("list", "--output", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatal(err, stdout)
	}
	text := func(value any) string { s, _ := value.(string); return s }
	for i, r := range s.records {
		var want []string
		for _, column := range recordcsv.Header {
			if field, found := strings.CutPrefix(column, "artifact_"); found && field != "id" {
				want = append(want, text(r["artifact"].(map[string]any)[field]))
			} else {
				want = append(want, text(r[column]))
			}
		}
		if !slices.Equal(rows[i+1], want) {
			t.Errorf("got %q\nnot %q", rows[i+1], want)
		}
	}
}

func TestExitCodesOfList(t *testing.T) {
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, c := range map[string]struct {
		trouble http.HandlerFunc
		code    int
		want    string
	}{
		"refused":      {problem(400, "the request has a fault", "artifact_kind: is wrong"), 3, "400 Bad Request: the request has a fault\n  --kind: is wrong\n"},
		"unavailable":  {problem(503, "try again"), 4, "503 Service Unavailable: try again"},
		"broken off":   {breakOff, 4, "broke off"},
		"a web site":   {text("<!doctype html>"), 1, "without a list of records"},
		"another API":  {text("{}"), 1, "without a list of records"},
		"a bad record": {text(`{"deployment_records":[{"created_at":"yesterday"}],"pagination":{}}`), 1, "does not follow the OpenAPI document"},
	} {
		s := newAPI(t, c.trouble)
		stdout, stderr, code := s.client("list", "--retry-for", "0s")
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "recorded") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, stdout, stderr)
		}
	}
}

func TestAnIncompleteListingReportsItsRecords(t *testing.T) {
	for form, want := range map[string]string{
		"ndjson": "the output is incomplete: it has 10 of 30 records", "csv": "it has 10 of 30", "json": "it has 10 of 30",
		"table": "no table is printed: only 10 of 30 records were read",
	} {
		s := newAPI(t, func(w http.ResponseWriter, r *http.Request) {}, problem(503, "busy"), problem(403, "no more"))
		s.records = testRecords(30)
		s.trouble[0] = func(w http.ResponseWriter, r *http.Request) { s.list(w, r.URL.Query()) }
		stdout, stderr, code := s.client("list", "--all", "--page-size", "10", "--output", form, "--retry-for", "1m")
		if code != 3 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "403 Forbidden: no more") || form == "table" && stdout != "" {
			t.Errorf("%s: exit code %d\n%s", form, code, stderr)
		}
	}
}

func TestPagesArePrintedOneByOne(t *testing.T) {
	for _, form := range []string{"ndjson", "csv", "json"} {
		s := newAPI(t)
		s.records = testRecords(30)
		clientEnvironment(t, s.URL)
		var out, notes bytes.Buffer
		var written []int
		s.listed = func(*apiServer, int) { written = append(written, out.Len()) }
		code := Run(t.Context(), []string{"list", "--all", "--page-size", "10", "--output", form}, Streams{In: strings.NewReader(""), Out: &out, Err: &notes})
		if code != 0 || len(written) != 3 || written[0] != 0 || written[1] == 0 || written[2] < 3*written[1]/2 {
			t.Errorf("%s: exit code %d, %v bytes before each page\n%s", form, code, written, notes.String())
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, http.ErrBodyNotAllowed }

func TestWriteErrorsAreFailures(t *testing.T) {
	s := newAPI(t)
	s.records = testRecords(3)
	clientEnvironment(t, s.URL)
	for _, args := range [][]string{
		{"list"},
		{"list", "--output", "json"},
		{"list", "--all", "--output", "json"},
		{"list", "--output", "ndjson"},
		{"list", "--output", "csv"},
		recordArgs, append(recordArgs, "--output", "json"),
	} {
		var notes bytes.Buffer
		if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: full{}, Err: &notes}); code != 1 || notes.Len() == 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
