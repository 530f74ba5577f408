package relations

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// maxRounds limits the attempts to see a relation in a stable state.
const maxRounds = 5

// round is one attempt to check a relation.
type round struct {
	report.Checks
	suite   *Suite
	answers []*client.Answer
	// confirm requests a second round although nothing is broken, because the round's result must hold in a snapshot.
	confirm bool
}

// requireStable checks a relation between several answers and counts a finding only if it holds in a stable state; see the
// package documentation. The relation sends its requests by way of the round and must repeat them exactly while the answers
// stay the same. requireStable returns false if the answers kept changing.
func (s *Suite) requireStable(relation func(*round)) bool {
	var before *round
	for range maxRounds {
		r := &round{suite: s}
		relation(r)
		if s.err != nil {
			return false
		}
		if len(r.Broken) == 0 && !r.confirm || before != nil && slices.EqualFunc(r.answers, before.answers, sameState) {
			s.record(&r.Checks)
			return true
		}
		before = r
	}
	// Rules that the last round did not break are kept.
	for _, f := range before.Broken {
		s.results.Unsettled(f.Rule)
		before.Tried = slices.DeleteFunc(before.Tried, func(rule *report.Rule) bool { return rule == f.Rule })
	}
	before.Broken = nil
	s.record(&before.Checks)
	return false
}

// get sends a query of the relation.
func (r *round) get(q client.Query) *client.Answer {
	a := r.suite.get(q)
	r.answers = append(r.answers, a)
	return a
}

// fail adds a finding with the answers that show it.
func (r *round) fail(rule *report.Rule, text string, answers ...*client.Answer) {
	r.Broken = append(r.Broken, report.Finding{Rule: rule, Text: text, Requests: r.suite.commands(answers...)})
}

// walk reads every page of a query and checks the totals of the list; size 0 leaves the size to the server.
func (r *round) walk(q client.Query, size int64) *client.Walk {
	pageOf := r.suite.pageText
	if r.suite.doc.Parameter(r.suite.doc.Layout.PageParameter) == nil {
		pageOf = nil
	}
	w := r.suite.doc.Layout.WalkPages(q, size, r.get, pageOf)
	for _, a := range w.Answers {
		if a.Status == 0 {
			continue
		}
		r.Try(report.RequestValid)
		if a.List == nil {
			r.fail(report.RequestValid, "a request that fits the document is answered with "+r.suite.client.Summary(a), a)
		}
	}
	if w.Complete {
		r.checkTotals(w)
	}
	return w
}

// wholeList reads a list with the largest pages.
func (r *round) wholeList(q client.Query) *client.Walk { return r.walk(q, r.suite.maxSize) }

// checkTotals compares the totals on each page of a walk with the pages put together.
func (r *round) checkTotals(w *client.Walk) {
	first, last := w.Answers[0], w.Answers[len(w.Answers)-1]
	r.Try(report.PagesWhole)
	pageOf := make(map[string]*client.Answer)
	for _, a := range w.Answers {
		if a.List.Total != w.Total {
			r.fail(report.PagesWhole, fmt.Sprintf("total_count is %d on one page and %d on another", w.Total, a.List.Total), first, a)
		}
		for _, id := range client.IDs(a.List.Records) {
			if other := pageOf[id]; other != nil && other != a && id != "" {
				r.fail(report.PagesWhole, "the record "+id+" is on two pages", other, a)
			}
			pageOf[id] = a
		}
		r.checkFill(a)
	}
	if n := int64(len(w.Records)); n != w.Total {
		r.fail(report.PagesWhole, fmt.Sprintf("%d pages have %d records together, and total_count is %d", len(w.Answers), n, w.Total), first, last)
	}
}

// checkFill requires a page to have as many records as its totals imply.
func (r *round) checkFill(a *client.Answer) {
	if a.Status == 0 {
		return
	}
	r.Try(report.PageFill)
	if wrong := r.suite.wrongFill(a); wrong != "" {
		r.fail(report.PageFill, wrong, a)
	}
}

// requireSameContent requires records that are in both lists to have the same values.
func (r *round) requireSameContent(rule *report.Rule, a, b *client.Walk) {
	if wrong := contentDifference(a.Records, b.Records); wrong != "" {
		r.fail(rule, wrong, a.Answers[0], b.Answers[0])
	}
}

// contentDifference describes a record that is in both lists with different values, or returns "".
func contentDifference(a, b []*client.Value) string {
	others := recordsByID(b)
	for _, record := range a {
		id := record.ID()
		if other := others[id]; id != "" && other != nil {
			if lines, otherLines := stableLines(record), stableLines(other); !slices.Equal(lines, otherLines) {
				one, two := client.DifferingLines(lines, otherLines)
				return fmt.Sprintf("the record %s differs: %s in the one answer, %s in the other", id, one, two)
			}
		}
	}
	return ""
}

func recordsByID(records []*client.Value) map[string]*client.Value {
	byID := make(map[string]*client.Value, len(records))
	for _, record := range records {
		byID[record.ID()] = record
	}
	return byID
}

// stableLines returns the values of a record without the two that change whenever the record is seen again.
func stableLines(record *client.Value) []string {
	return slices.DeleteFunc(record.Lines(), func(line string) bool {
		return strings.HasPrefix(line, "last_seen_at ") || strings.HasPrefix(line, "updated_at ")
	})
}

// sameState reports whether two answers are the same for relations.
func sameState(a, b *client.Answer) bool { return fingerprint(a) == fingerprint(b) }

// fingerprint identifies the part of an answer that relations depend on.
func fingerprint(a *client.Answer) string {
	if a.List == nil {
		return fmt.Sprint(a.Status)
	}
	return fmt.Sprintln(a.Status, a.List.Page, a.List.Size, a.List.Total, a.List.Pages) + strings.Join(recordPrints(a), "\n\n")
}

func recordPrints(a *client.Answer) []string {
	prints := make([]string, len(a.List.Records))
	for i, record := range a.List.Records {
		prints[i] = strings.Join(stableLines(record), "\n")
	}
	return prints
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
