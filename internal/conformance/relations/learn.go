package relations

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// paging is the unit of pagination.page.
type paging int

const (
	unknownPaging paging = iota
	byPage
	byItem
)

const (
	fullHistory  = "full_history"
	biggestInt32 = "2147483647"
	// maxValues limits the values kept of a parameter.
	maxValues = 200
)

// observations are what earlier answers showed of the server and its data.
type observations struct {
	// values has the values of each parameter that filters by a field, in the order in which answers showed them.
	values map[string][]string
	// records has the records seen, by id; met has their ids in order.
	records map[string]*client.Value
	met     []string

	paging    paging
	firstPage int64
	// defaultSize and maxSize are page sizes; 0 if unknown.
	defaultSize, maxSize int64
	// latestTotal and historyTotal are the totals at the start; -1 if the server does not report them.
	latestTotal, historyTotal int64
	parts                     []part
	// unknownNamesNotFound reports that a name that nothing has was answered with 404.
	unknownNamesNotFound bool
}

func newObservations() observations {
	return observations{values: make(map[string][]string), records: make(map[string]*client.Value)}
}

// part is a part of the data that is small enough to be read whole.
type part struct {
	client.Query
	total int64
}

// isWholeSlots reports whether the part has all records of a slot, or none.
func (p part) isWholeSlots() bool {
	return !slices.ContainsFunc(p.Query, func(p client.Pair) bool { return p.Name != "environment_name" && p.Name != "deployment_name" })
}

// learn reads the beginning, the middle and the end of both lists, and finds the unit of pages.
func (s *Suite) learn() {
	s.latestTotal, s.historyTotal = -1, -1
	first := s.get(nil)
	s.learnFrom(first)
	if first.List != nil {
		s.latestTotal, s.defaultSize = first.List.Total, first.List.Size
	}
	if size := s.doc.Parameter(s.doc.Layout.SizeParameter); size != nil && size.Schema.Max != nil {
		s.maxSize = int64(*size.Schema.Max)
	} else if size != nil {
		if biggest := s.ask(s.Request(s.doc.Layout.SizeParameter, biggestInt32)); biggest.List != nil && biggest.List.Size > 0 {
			s.maxSize = biggest.List.Size
		}
	}
	all := s.get(s.history())
	s.learnFrom(all)
	if all.List != nil {
		s.historyTotal = all.List.Total
	}
	s.learnPaging(first)
	for _, base := range []client.Query{s.history(), nil} {
		a := s.get(base.With(s.doc.Layout.SizeParameter, itoa(max(s.maxSize, 1))))
		if !s.hasPages() || a.List == nil || a.List.Pages < 2 {
			continue
		}
		s.learnFrom(a)
		// The last page, then random ones until there are enough records to choose from.
		for i := range 8 {
			page := a.List.Pages - 1
			if i > 0 {
				page = s.random.Int64N(a.List.Pages)
			}
			s.learnFrom(s.get(base.With(s.doc.Layout.SizeParameter, itoa(a.List.Size), s.doc.Layout.PageParameter, s.pageText(page, a.List.Size))))
			if i > 0 && len(s.met) >= 150 {
				break
			}
		}
	}
	s.findParts()
}

func (s *Suite) learnFrom(a *client.Answer) {
	if a.List == nil {
		return
	}
	for _, record := range a.List.Records {
		id := record.ID()
		if id != "" && s.records[id] == nil {
			s.met = append(s.met, id)
		}
		s.records[id] = record
		for _, p := range s.doc.Parameters {
			if p.Field == nil || !p.IsText() {
				continue
			}
			if text := record.Text(p.Field...); text != "" && len(s.values[p.Name]) < maxValues && !slices.Contains(s.values[p.Name], text) {
				s.values[p.Name] = append(s.values[p.Name], text)
			}
		}
	}
}

// known returns the values given for a parameter and those that answers showed.
func (s *Suite) known(name string) []string { return slices.Concat(s.Values[name], s.values[name]) }

// isObserved reports whether a record or the enum has the value.
func (s *Suite) isObserved(p *spec.Parameter, text string) bool {
	return p.IsEnum() || slices.Contains(s.values[p.Name], text)
}

// history returns the query for all records, or nil if the document has no full_history.
func (s *Suite) history() client.Query {
	if s.doc.Parameter(fullHistory) == nil {
		return nil
	}
	return client.Query{{Name: fullHistory, Value: "true"}}
}

func (s *Suite) hasPages() bool {
	return s.doc.Parameter(s.doc.Layout.PageParameter) != nil && s.doc.Parameter(s.doc.Layout.SizeParameter) != nil
}

// pageText returns the value of pagination.page for a page, counted from 0.
func (s *Suite) pageText(page, size int64) string {
	if s.paging == byItem {
		return itoa(page * size)
	}
	return itoa(page + s.firstPage)
}

// learnPaging finds the unit of pagination.page and its first number: a request without a page returns the first page.
func (s *Suite) learnPaging(first *client.Answer) {
	if !s.hasPages() {
		s.notJudged("the document has no pages", report.PageBase, report.OwnPageBase)
		return
	}
	if s.historyTotal < 2 {
		s.assumePaging(first)
		s.notJudged("there are fewer than two records", report.PageBase, report.OwnPageBase)
		return
	}
	// With three records, pages of two distinguish the second page from the second record.
	size := max(s.minSize(), 2)
	if s.historyTotal == 2 {
		size = s.minSize()
	}
	if s.historyTotal <= size {
		s.assumePaging(first)
		s.notJudged("the smallest page that the document allows has all records", report.PageBase, report.OwnPageBase)
		return
	}
	base := s.history().With(s.doc.Layout.SizeParameter, itoa(size))
	unit, firstPage := byPage, int64(0)
	stable := s.requireStable(func(r *round) {
		unit, firstPage = byPage, 0
		none := r.get(base)
		zero, one := r.get(base.With(s.doc.Layout.PageParameter, "0")), r.get(base.With(s.doc.Layout.PageParameter, "1"))
		if none.List == nil || zero.List == nil && one.List == nil {
			return // another rule's finding
		}
		isFirst := func(a *client.Answer) bool {
			return a.List != nil && slices.Equal(client.IDs(a.List.Records), client.IDs(none.List.Records))
		}
		r.Try(report.PageBase, report.OwnPageBase)
		switch {
		case isFirst(one):
			// Two added records also move the first page to the second.
			firstPage, r.confirm = 1, true
		case !isFirst(zero):
			r.fail(report.PageBase, "neither page 0 nor page 1 has the records that come without a page", none, zero, one)
		case size > 1 && one.List != nil && len(one.List.Records) > 0 && len(none.List.Records) == int(size) && one.List.Records[0].ID() == none.List.Records[1].ID():
			unit = byItem
			r.fail(report.OwnPageBase, "page 1 begins with the second record: pagination.page counts records", none, one)
		}
	})
	switch {
	case s.err != nil:
	case stable:
		s.paging, s.firstPage = unit, firstPage
	default:
		s.assumePaging(first)
	}
}

// assumePaging takes the first page's number from the answer to a request without a page.
func (s *Suite) assumePaging(first *client.Answer) {
	s.paging, s.firstPage = byPage, 0
	if first.List != nil && first.List.Page == 1 {
		s.firstPage = 1
	}
}

// findParts looks for parts of the data that are small enough to be read whole: everything if there is little, else the
// records of one value or two. Parts that do not change are preferred.
func (s *Suite) findParts() {
	const wanted, candidates = 3, 8
	size := s.maxSize
	if size <= 0 {
		size = 100
	}
	limit := min(6*size, 600)
	var found []part
	total := func(q client.Query) int64 {
		a := s.get(s.history().With(s.doc.Layout.SizeParameter, itoa(s.minSize())).Append(q))
		if a.List == nil {
			return -1
		}
		return a.List.Total
	}
	add := func(q client.Query) {
		if slices.ContainsFunc(found, func(other part) bool { return slices.Equal(other.Query, q) }) {
			return
		}
		if n := total(q); n > 0 && n <= limit {
			found = append(found, part{q, n})
		}
	}
	if s.historyTotal <= limit {
		add(nil)
	}
	// Environments and deployments come first, because they contain whole slots, by which latest records can be checked.
	filters := [][]string{{"environment_name"}, {"environment_name", "deployment_name"}, {"deployment_name"}}
	for _, p := range s.doc.Parameters {
		if p.Field != nil && p.IsText() {
			filters = append(filters, []string{p.Name})
		}
	}
	for _, names := range filters {
		for _, record := range s.sample(6) {
			if q := s.queryLike(record, names...); q != nil && len(found) < candidates {
				add(q)
			}
		}
	}
	var changing []part
	for _, part := range found {
		switch {
		case len(s.parts) == wanted:
		case total(part.Query) == part.total:
			s.parts = append(s.parts, part)
		default:
			changing = append(changing, part)
		}
	}
	s.parts = append(s.parts, changing[:min(len(changing), wanted-len(s.parts))]...)
}

// sample returns up to n of the records seen, at random.
func (s *Suite) sample(n int) []*client.Value {
	picked := make([]*client.Value, 0, n)
	for _, i := range s.pick(len(s.met), n) {
		picked = append(picked, s.records[s.met[i]])
	}
	return picked
}

// pick returns up to limit random numbers below n. After an error it draws none, so that the phases that follow send the same
// requests whether or not this phase was cut short.
func (s *Suite) pick(n, limit int) []int {
	if s.err != nil {
		return nil
	}
	return s.random.Perm(n)[:min(n, limit)]
}

// queryLike filters by some values of a record. It returns nil if the record lacks one of them.
func (s *Suite) queryLike(record *client.Value, names ...string) client.Query {
	var q client.Query
	for _, name := range names {
		p := s.doc.Parameter(name)
		if p == nil || p.Field == nil || record.Text(p.Field...) == "" {
			return nil
		}
		q = q.With(name, record.Text(p.Field...))
	}
	return q
}
