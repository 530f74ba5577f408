package relations

import (
	"strconv"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// checkList checks a list against its query. The check needs one answer only, so no writer can interfere.
func (s *Suite) checkList(c *report.Checks, a *client.Answer) {
	l, q := a.List, a.Request.Query
	n := int64(len(l.Records))
	if l.Size >= 0 && l.Total >= 0 {
		c.Check(report.PageSizeKept, n <= l.Size && n <= l.Total, "there are %d records, with a page_size of %d and a total_count of %d", n, l.Size, l.Total)
	}
	if size, ok := integerOf(q, s.doc.Layout.SizeParameter); ok && size > 0 {
		c.Check(report.PageSizeKept, n <= size, "there are %d records, and %d were asked for", n, size)
		if want := min(size, s.maxSize); l.Size >= 0 && s.maxSize > 0 {
			c.Check(report.PageSizeEcho, l.Size == want, "page_size is %d, not %d", l.Size, want)
		}
	}
	if l.Size > 0 && l.Total >= 0 && l.Pages >= 0 {
		want := (l.Total + l.Size - 1) / l.Size
		// The document leaves open whether an empty list has one page or none.
		c.Check(report.PageTotalPages, l.Pages == want || l.Total == 0 && l.Pages == 1, "total_pages is %d, with a total_count of %d and a page_size of %d", l.Pages, l.Total, l.Size)
	}
	if page, given := integerOf(q, s.doc.Layout.PageParameter); s.paging == byPage && page >= 0 {
		want := s.firstPage
		if given {
			want = max(page, want)
		}
		if l.Page >= 0 {
			c.Check(report.PageEcho, l.Page == want, "page is %d, not %d", l.Page, want)
		}
		wrong := s.wrongFill(a)
		c.Check(report.OwnSnapshot, wrong == "", "%s", wrong)
	}
	seen := make(map[string]bool)
	for _, id := range client.IDs(l.Records) {
		c.Check(report.PagesWhole, id == "" || !seen[id], "the record %s is there twice", id)
		seen[id] = true
	}
	s.checkSlotsOnce(c, a)
	s.checkFilterValues(c, a)
}

// wrongFill describes a number of records that contradicts the page's totals, or returns "".
func (s *Suite) wrongFill(a *client.Answer) string {
	l := a.List
	if l == nil || l.Size <= 0 || l.Total < 0 {
		return ""
	}
	page, given := integerOf(a.Request.Query, s.doc.Layout.PageParameter)
	if !given {
		page = s.firstPage
	}
	before := max(page-s.firstPage, 0)
	if s.paging == byPage {
		before *= l.Size
	}
	want := max(min(l.Total-before, l.Size), 0)
	if n := int64(len(l.Records)); n != want {
		return itoa(n) + " records on this page, not " + itoa(want) +
			", with a total_count of " + itoa(l.Total) + " and a page_size of " + itoa(l.Size)
	}
	return ""
}

// integerOf returns a whole number of a query and whether there is one.
func integerOf(q client.Query, name string) (int64, bool) {
	text, ok := q.Get(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// slotOf returns the slot of a record, or "" if the record does not show it.
func slotOf(record *client.Value) string {
	environment, deployment := record.Get("environment_id"), record.Get("deployment_name")
	if !environment.IsText() || !deployment.IsText() {
		return ""
	}
	return environment.Content + "\x00" + deployment.Content
}

func (s *Suite) checkSlotsOnce(c *report.Checks, a *client.Answer) {
	if text, _ := a.Request.Query.Get(fullHistory); text == "true" || s.doc.Parameter(fullHistory) == nil {
		return
	}
	seen := make(map[string]bool)
	for _, record := range a.List.Records {
		slot := slotOf(record)
		c.Check(report.LatestOnce, slot == "" || !seen[slot], "the slot of %s in the environment %s is there twice",
			strconv.Quote(record.Text("deployment_name")), record.Get("environment_name"))
		seen[slot] = true
	}
}

// checkFilterValues requires each record to have the values of the query. A value that resembles the filter breaks
// own.filter-exact, because some servers match loosely on purpose; if a record has exactly the value of the filter, it
// breaks filter.satisfied.
func (s *Suite) checkFilterValues(c *report.Checks, a *client.Answer) {
	for _, p := range s.doc.Parameters {
		want, given := a.Request.Query.Get(p.Name)
		if unset, ok := p.Default(); !given || p.Field == nil || want == "" || ok && want == unset {
			continue
		}
		for i, record := range a.List.Records {
			got := record.Text(p.Field...)
			rule := report.FilterSatisfy
			if !s.isObserved(p, want) && resembles(want, got) {
				rule = report.OwnExact
			}
			c.Check(rule, got == want, "%s of record %d is %s, not %s", strings.Join(p.Field, "."), i, client.Quote(got), client.Quote(want))
		}
	}
}

// resembles reports whether a loose match could find a value: without case, in part, or by a wildcard.
func resembles(want, got string) bool {
	return strings.ContainsAny(want, "%_*?") || strings.Contains(strings.ToLower(got), strings.ToLower(strings.TrimSpace(want)))
}

// checkErrorDetails requires each detail of a 400 to name its parameter.
func (s *Suite) checkErrorDetails(c *report.Checks, a *client.Answer) {
	details := a.Value.Get("details")
	if details == nil {
		return
	}
	for _, detail := range details.Items {
		name, _, _ := strings.Cut(detail.Content, ":")
		sent := a.Request.Query.Has(strings.Trim(name, `"`)) // a parameter that only the client knows is quoted if need be
		c.Check(report.OwnErrorDetails, name == "query" || s.doc.Parameter(name) != nil || sent, "a detail is %s", detail)
	}
}
