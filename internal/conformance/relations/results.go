package relations

import (
	"fmt"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// Report returns the results so far. The caller adds the server, the document and the time.
func (s *Suite) Report() *report.Report {
	r := &report.Report{
		Strict: s.Strict, Seed: s.Seed, Requests: s.sent, Limit: s.Requests,
		Data:  report.Data{LatestTotal: s.latestTotal, HistoryTotal: s.historyTotal, RecordsMet: len(s.met)},
		Rules: s.results.All(s.Strict), Profile: s.profile(),
	}
	r.Remarks = s.remarks(r)
	return r
}

// remarks returns limits of the verdict.
func (s *Suite) remarks(r *report.Report) (remarks []string) {
	switch {
	case s.historyTotal == 0:
		remarks = append(remarks, "The server has no records: of filters, pages, order and history, this proves little.")
	case s.historyTotal > 0 && len(s.met) < 10:
		remarks = append(remarks, fmt.Sprintf("There were %d records to judge by: this proves little of filters, pages, order and history.", len(s.met)))
	}
	for _, p := range s.doc.Parameters {
		if p.IsText() && p.Field == nil && len(s.Values[p.Name]) == 0 {
			remarks = append(remarks, "Whether "+p.Name+" finds the right records was not judged: records do not show it. A value that is known can be given: --value "+p.Name+"=…")
		}
	}
	if len(s.exhausted) > 0 {
		remarks = append(remarks, "The number of requests was used up in: "+strings.Join(s.exhausted, ", ")+". More can be allowed: --requests.")
	}
	if n := r.Count(report.Unsettled); n > 0 {
		remarks = append(remarks, fmt.Sprintf("%d rules were not settled: the data changed whenever they were tried.", n))
	}
	return remarks
}

// profile returns the server's behaviour where the document leaves a choice.
func (s *Suite) profile() []report.Observed {
	const notKnown = "not known"
	size := func(n int64) string {
		if n <= 0 {
			return notKnown
		}
		return itoa(n)
	}
	// observed describes a rule that is kept or broken; without a text for a broken one, by its first fault.
	observed := func(rule *report.Rule, kept, broken string) string {
		switch r := s.results.Of(rule); {
		case r.Faults > 0 && broken == "" && len(r.Shown) > 0:
			return r.Shown[0].Text
		case r.Faults > 0:
			return broken
		case r.Tried > 0:
			return kept
		default:
			return notKnown
		}
	}
	pages := []report.Observed{
		{What: s.doc.Layout.PageParameter + " counts", How: observed(report.OwnPageBase, "pages, from "+itoa(s.firstPage), "records, from 0")},
		{What: "page size if none is asked for", How: size(s.defaultSize)},
		{What: "largest page size", How: size(s.maxSize)},
	}
	if s.doc.Mapped {
		return pages
	}
	return append(pages, []report.Observed{
		{What: "order", How: observed(report.OwnOrder, "created_at, then id, both descending", "another than created_at, then id, both descending")},
		{What: "filters without full_history", How: observed(report.OwnAfterLatest, "choose among the latest records", "choose before the latest are found")},
		{What: "a name that nothing has", How: observed(report.OwnUnknownName, "200 and an empty list", "")},
		{What: "a text filter without a value", How: observed(report.OwnEmptyText, "as if absent", "filters")},
		{What: "a parameter given twice", How: observed(report.OwnRepeated, "400", "")},
		{What: "a parameter that nobody knows", How: observed(report.OwnUnknownParam, "ignored", "")},
		{What: "a negative page or page size", How: observed(report.OwnNegative, "400", "")},
		{What: "other spellings of numbers, booleans and enums", How: observed(report.OwnSpelling, "400", "")},
		{What: "filters", How: observed(report.OwnExact, "match exactly", "")},
	}...)
}
