package conformance

import (
	"fmt"
	"slices"
)

// paging is what pagination.page counts.
type paging int

const (
	unknownPaging paging = iota
	byPage
	byItem
)

// learned is what the answers told of the server and of its data.
type learned struct {
	// values are those of each parameter that filters by a field, in the order in which they were met.
	values map[string][]string
	// records are those that were met, by id.
	records map[string]*value
	// met are their ids in order.
	met       []string
	paging    paging
	firstPage int64
	// defaultSize and maxSize are those of pages; 0 if they are not known.
	defaultSize, maxSize int64
	// latestTotal and historyTotal are how many records there were at the start; -1 if the server does not say.
	latestTotal, historyTotal int64
	subjects                  []subject
}

// subject is part of the data that is small enough to be walked through.
type subject struct {
	question
	total int64
}

// maxValues is how many values of a parameter are kept.
const maxValues = 200

func (s *suite) learnFrom(a *answer) {
	if a.list == nil {
		return
	}
	for _, record := range a.list.records {
		id, _ := record.string("id")
		if id != "" && s.records[id] == nil {
			s.met = append(s.met, id)
		}
		s.records[id] = record
		for _, p := range s.doc.parameters {
			if text, ok := record.string(p.field...); ok && p.isText() && p.field != nil && text != "" &&
				len(s.values[p.name]) < maxValues && !slices.Contains(s.values[p.name], text) {
				s.values[p.name] = append(s.values[p.name], text)
			}
		}
	}
}

func (s *suite) isLearned(p *parameter, text string) bool {
	return p.isEnum() || slices.Contains(s.values[p.name], text)
}

// history is how a question says that it is about all records; nothing if the document has no such parameter.
func (s *suite) history() question {
	if s.doc.parameter(historyParam) == nil {
		return nil
	}
	return question{{historyParam, "true"}}
}

// learn looks at the beginning, the end and the middle of both lists, and finds how pages are counted.
func (s *suite) learn() {
	s.latestTotal, s.historyTotal = -1, -1
	first := s.ask(s.request())
	s.learnFrom(first)
	if first.list != nil {
		s.latestTotal, s.defaultSize = first.list.total, first.list.size
	}
	if s.doc.parameter(sizeParameter) != nil {
		if biggest := s.ask(s.request(sizeParameter, biggestInt32)); biggest.list != nil && biggest.list.size > 0 {
			s.maxSize = biggest.list.size
		}
	}
	all := s.ask(s.asks(s.history()))
	s.learnFrom(all)
	if all.list != nil {
		s.historyTotal = all.list.total
	}
	s.learnPaging(first)
	for _, base := range []question{s.history(), nil} {
		a := s.ask(s.asks(base.with(sizeParameter, itoa(max(s.maxSize, 1)))))
		if s.doc.parameter(pageParameter) == nil || s.doc.parameter(sizeParameter) == nil || a.list == nil || a.list.pages < 2 {
			continue
		}
		s.learnFrom(a)
		// The last page, and some between, until there is enough to choose from.
		for i := range 8 {
			page := a.list.pages - 1
			if i > 0 {
				page = s.random.Int64N(a.list.pages)
			}
			s.learnFrom(s.ask(s.asks(base.with(sizeParameter, itoa(a.list.size), pageParameter, s.pageText(page, a.list.size)))))
			if i > 0 && len(s.met) >= 150 {
				break
			}
		}
	}
	s.findSubjects()
}

// pageText is how the page of this number, counted from 0, is asked for.
func (s *suite) pageText(i, size int64) string {
	if s.paging == byItem {
		return itoa(i * size)
	}
	return itoa(i + s.firstPage)
}

// learnPaging finds out what pagination.page counts, and from which number: with no page asked for, the first comes.
func (s *suite) learnPaging(first *answer) {
	if s.doc.parameter(pageParameter) == nil || s.doc.parameter(sizeParameter) == nil {
		s.notJudged("the document has no pages", pageBase, ownPageBase)
		return
	}
	if s.historyTotal < 2 {
		s.pagingAsTold(first)
		s.notJudged("there are fewer than two records", pageBase, ownPageBase)
		return
	}
	// Of three records, pages of two tell the second page from the second record.
	size := "2"
	if s.historyTotal == 2 {
		size = "1"
	}
	base := s.history().with(sizeParameter, size)
	var counted paging
	var from int64
	settled := s.settle(func(r *round) {
		counted, from = byPage, 0
		none := r.ask(base)
		zero, one := r.ask(base.with(pageParameter, "0")), r.ask(base.with(pageParameter, "1"))
		if none.list == nil || zero.list == nil && one.list == nil {
			return // another rule's
		}
		is := func(a *answer) bool {
			return a.list != nil && slices.Equal(ids(a.list.records), ids(none.list.records))
		}
		r.try(pageBase, ownPageBase)
		switch {
		case is(one):
			// A writer who adds two records makes the first page the second.
			from, r.doubtful = 1, true
		case !is(zero):
			r.show(pageBase, "neither page 0 nor page 1 has the records that come without a page", none, zero, one)
		case size == "2" && one.list != nil && len(one.list.records) > 0 && len(none.list.records) == 2 && ids(one.list.records)[0] == ids(none.list.records)[1]:
			counted = byItem
			r.show(ownPageBase, "page 1 begins with the second record: pagination.page counts records", none, one)
		}
	})
	if !settled {
		s.pagingAsTold(first)
		return
	}
	s.paging, s.firstPage = counted, from
}

// pagingAsTold believes what the answer says of the page that comes if none is asked for: the records do not tell.
func (s *suite) pagingAsTold(first *answer) {
	s.paging, s.firstPage = byPage, 0
	if first.list != nil && first.list.page == 1 {
		s.firstPage = 1
	}
}

// findSubjects looks for parts of the data that can be walked through: everything if it is little, else what one of the
// values finds, or two. Those that stand still are preferred.
func (s *suite) findSubjects() {
	const wanted, candidates = 3, 8
	size := s.maxSize
	if size <= 0 {
		size = 100
	}
	most := min(6*size, 600)
	var found []subject
	total := func(q question) int64 {
		a := s.ask(s.asks(s.history().with(sizeParameter, "1").append(q)))
		if a.list == nil {
			return -1
		}
		return a.list.total
	}
	add := func(q question) {
		known := slices.ContainsFunc(found, func(other subject) bool { return fmt.Sprint(other.question) == fmt.Sprint(q) })
		if known {
			return
		}
		if n := total(q); n > 0 && n <= most {
			found = append(found, subject{q, n})
		}
	}
	if s.historyTotal <= most {
		add(nil)
	}
	// Where a record runs names whole slots, by which latest records can be judged; so those parameters come first.
	places := [][]string{{"environment_name"}, {"environment_name", "deployment_name"}, {"deployment_name"}}
	for _, p := range s.doc.parameters {
		if p.field != nil && p.isText() {
			places = append(places, []string{p.name})
		}
	}
	for _, names := range places {
		for _, id := range s.sample(6) {
			if q := s.of(s.records[id], names...); q != nil && len(found) < candidates {
				add(q)
			}
		}
	}
	var restless []subject
	for _, subject := range found {
		switch {
		case len(s.subjects) == wanted:
		case total(subject.question) == subject.total:
			s.subjects = append(s.subjects, subject)
		default:
			restless = append(restless, subject)
		}
	}
	s.subjects = append(s.subjects, restless[:min(len(restless), wanted-len(s.subjects))]...)
}

func (q question) append(more question) question { return append(slices.Clone(q), more...) }

// sample picks some of the records that were met.
func (s *suite) sample(n int) []string {
	picked := make([]string, 0, n)
	for _, i := range s.random.Perm(len(s.met)) {
		if len(picked) == n {
			break
		}
		picked = append(picked, s.met[i])
	}
	return picked
}

// of asks for a record by some of its values; nil if it lacks one.
func (s *suite) of(record *value, names ...string) question {
	var q question
	for _, name := range names {
		p := s.doc.parameter(name)
		if p == nil || p.field == nil {
			return nil
		}
		text, _ := record.string(p.field...)
		if text == "" {
			return nil
		}
		q = q.with(name, text)
	}
	return q
}

// bySlot says whether a question keeps the records of a slot together, all or none.
func (q question) bySlot() bool {
	return !slices.ContainsFunc(q, func(p pair) bool { return p.name != "environment_name" && p.name != "deployment_name" })
}
