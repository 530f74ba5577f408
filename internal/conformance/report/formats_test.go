package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// hostile is text of a server that tries to leave its place in each format.
const hostile = "</pre><script src=//evil.example></script> `` ``` ```` \n::error::injected\n|cell| [link](javascript:x) %0A"

// hostileReport returns a report in which every text of a server is hostile.
func hostileReport() *report.Report {
	results := report.NewResults(func(text string) string { return text }, report.Document, report.Relation, report.Own)
	c := &report.Checks{}
	c.Check(report.PageFill, false, "%s", hostile)
	c.Check(report.OwnOrder, false, "%s", hostile)
	c.Check(report.BodyJSON, true, "")
	results.Record(c, "curl '"+hostile+"'", "curl 2")
	r := &report.Report{URL: "https://one.example/" + hostile, Document: "openapi.yaml", Rules: results.All(false), Profile: []report.Observed{{What: "order", How: hostile}}, Remarks: []string{hostile}}
	r.Comparison = &report.Comparison{URL: "https://two.example", Asked: 90, Unsettled: 1}
	for i := range 30 {
		r.Comparison.Add(report.Difference{Kind: report.StatusDiffers, Text: fmt.Sprint(i, " ", hostile), Request: "curl one", Other: "curl two"})
	}
	r.Comparison.Add(report.Difference{Kind: report.OrderDiffers, Text: "another order", Request: "curl order", Other: "curl order two"})
	return r
}

func write(t *testing.T, r *report.Report, format string) string {
	t.Helper()
	var text bytes.Buffer
	if err := r.Write(&text, format); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestThePageLoadsNothingAndEscapesTexts(t *testing.T) {
	page := write(t, hostileReport(), "html")
	if strings.Contains(page, "<script") || regexp.MustCompile(`(?i)<[^>]*(src|href)="?[^"d]|@import|url\(`).MatchString(page) {
		t.Error("the page has a script or loads something")
	}
	for _, want := range []string{
		`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`, "prefers-color-scheme: dark", "&lt;script src=//evil.example&gt;",
		"page.fill", "1 of 1 checks failed", "<summary>status: 30</summary>", "<summary>order: 1</summary>", "curl order two", "and 10 more",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, r := range report.Rules() {
		if has := strings.Contains(page, "<code>"+r.ID+"</code>"); has != (r.Basis != report.Recording && r.Basis != report.Tokens) {
			t.Errorf("the page has %s: %t", r.ID, has)
		}
	}
}

func TestAnnotationsAreOneCommandPerLine(t *testing.T) {
	text := write(t, hostileReport(), "github")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var levels []string
	for _, line := range lines {
		level, _, _ := strings.Cut(line, " ")
		levels = append(levels, level)
	}
	if got := strings.Join(levels, " "); got != "::error ::error ::error ::warning ::notice" {
		t.Errorf("got %s\n%s", got, text)
	}
	if want := "::error title=conform%3A page.fill::Every page except the last is full; the last has the rest.%0A</pre>"; !strings.HasPrefix(lines[0], want) {
		t.Errorf("got %s", lines[0])
	}
	if !strings.Contains(lines[0], "javascript:x) %250A%0Acurl '") || !strings.Contains(lines[1], "30 answers differ from those of https://two.example") {
		t.Errorf("got %s\n%s", lines[0], lines[1])
	}
}

// GitHub shows ten annotations of a level.
func TestTheTenthAnnotationCountsTheOthers(t *testing.T) {
	results := report.NewResults(func(text string) string { return text }, report.Document)
	c := &report.Checks{}
	for _, rule := range report.Rules() {
		c.Check(rule, false, "wrong")
	}
	results.Record(c, "curl 1")
	r := &report.Report{Rules: results.All(true)}
	text := write(t, r, "github")
	if n := strings.Count(text, "::error "); n != 10 || !strings.Contains(text, fmt.Sprintf("::and %d more, which the summary lists\n", r.Faults()-9)) {
		t.Errorf("%d errors\n%s", n, text)
	}
}

func TestTheSummaryIsMarkdown(t *testing.T) {
	var text bytes.Buffer
	if err := hostileReport().WriteSummary(&text, report.MaxSummary); err != nil {
		t.Fatal(err)
	}
	summary := text.String()
	for _, want := range []string{"| `page.fill` | 1 of 1 | Every page", "| `own.order` | 1 of 1 |", "31 of 90 answers", "<details><summary>order: 1</summary>", "`````text\n"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, summary)
		}
	}
	outside := regexp.MustCompile("(?s)\n`````text\n.*?\n`````\n").ReplaceAllString(summary, "")
	if strings.Contains(outside, "<script") || strings.Contains(outside, "[link](") {
		t.Errorf("text of the server is outside of a block:\n%s", outside)
	}
}

// GitHub does not show a larger summary.
func TestTheSummaryLeavesOutWhatDoesNotFit(t *testing.T) {
	results := report.NewResults(func(text string) string { return text }, report.Document, report.Relation)
	for i := range 5 {
		c := &report.Checks{}
		c.Check(report.PageFill, false, "short %d", i)
		c.Check(report.PagesWhole, false, "long %d %s", i, strings.Repeat("x", 1000))
		results.Record(c, fmt.Sprintf("curl %d", i))
	}
	r := &report.Report{Rules: results.All(true), Remarks: []string{"the run recorded"}}
	for limit, want := range map[int]struct {
		long bool
		line string
	}{
		report.MaxSummary: {true, ""},
		4000:              {false, "\n5 faults with their requests are left out,"},
	} {
		var text bytes.Buffer
		if err := r.WriteSummary(&text, limit); err != nil {
			t.Fatal(err)
		}
		got := text.String()
		if len(got) > limit || !strings.Contains(got, "the run recorded") || !strings.Contains(got, "short 4") || !strings.Contains(got, "| `pages.whole` | 5 of 5 |") ||
			strings.Contains(got, "long 0") != want.long || !strings.Contains(got, want.line) || strings.Contains(got, "left out") != (want.line != "") {
			t.Errorf("within %d bytes: %d bytes\n%s", limit, len(got), got)
		}
	}
}
