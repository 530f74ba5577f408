package conformance

import (
	"fmt"
	"slices"
)

// judgeFilterLaws holds the answers of filters against the list without them, where that can be walked through.
func (s *suite) judgeFilterLaws() {
	// First, since it takes one answer each: where writers are at work, the laws below may use up their share of the requests.
	s.everyTwo(s.together)
	if len(s.subjects) == 0 {
		s.notJudged("no part of the data is small enough to walk through, and not empty", filterSubset, filterBoth)
	}
	for _, subject := range s.subjects {
		for _, p := range s.doc.parameters {
			if _, inSubject := subject.get(p.name); inSubject {
				continue
			}
			for _, v := range s.filterValues(subject, p) {
				s.subset(subject, p, v)
			}
		}
	}
	s.everyTwo(s.againstEach)
	for _, p := range s.doc.parameters {
		if p.field != nil {
			s.alone(p)
		}
	}
}

// filterValues are some values to filter a subject by: such as its records have, and another.
func (s *suite) filterValues(subject subject, p *parameter) []string {
	if p.isEnum() {
		unset, _ := p.defaultText()
		return slices.DeleteFunc(p.enum(), func(name string) bool { return name == unset })
	}
	values := slices.Clone(s.given[p.name])
	if p.field == nil || !p.isText() {
		return values
	}
	var others []string
	for _, id := range s.sample(len(s.met)) {
		record := s.records[id]
		text, _ := record.string(p.field...)
		if text == "" || slices.Contains(values, text) || slices.Contains(others, text) {
			continue
		}
		if s.satisfies(record, subject.question) && len(values) < 2 {
			values = append(values, text)
		} else {
			others = append(others, text)
		}
	}
	return append(values, others[:min(len(others), 1)]...)
}

// satisfies says whether a record has the values of a question, as far as records show them.
func (s *suite) satisfies(record *value, q question) bool {
	for _, asked := range q {
		if p := s.doc.parameter(asked.name); p != nil && p.field != nil {
			if got, _ := record.string(p.field...); got != asked.value {
				return false
			}
		}
	}
	return true
}

// needed adds to a question what a parameter requires; false if no value of that is known.
func (s *suite) needed(q question, p *parameter) (question, bool) {
	if p.needs == "" || s.doc.parameter(p.needs) == nil {
		return q, true
	}
	if _, ok := q.get(p.needs); ok {
		return q, true
	}
	known := append(slices.Clone(s.given[p.needs]), s.values[p.needs]...)
	if len(known) == 0 {
		return q, false
	}
	return q.with(p.needs, known[0]), true
}

// subset holds what a filter leaves of a subject's history against that history.
func (s *suite) subset(subject subject, p *parameter, text string) {
	base, ok := s.needed(subject.append(s.history()), p)
	if !ok {
		return
	}
	s.settle(func(r *round) {
		all, some := r.wholeList(base), r.wholeList(base.with(p.name, text))
		if !all.whole || !some.whole {
			return
		}
		r.try(filterSubset)
		r.sameRecords(filterSubset, all, some, func(record *value) (bool, bool) {
			if p.field == nil {
				return false, false // it does not show; only that it is one of all
			}
			got, _ := record.string(p.field...)
			return got == text, true
		})
	})
}

// sameRecords wants the second list to have those records of the first that are wanted. Of records of which that is not
// known, any may be there.
func (r *round) sameRecords(rule *Rule, all, some *walked, wanted func(*value) (is, known bool)) {
	r.sameContent(rule, some, all)
	whole := make(map[string]*value)
	for _, record := range all.records {
		id, _ := record.string("id")
		whole[id] = record
	}
	there := make(map[string]bool)
	for _, id := range ids(some.records) {
		there[id] = true
		if whole[id] == nil {
			r.show(rule, "the record "+id+" is not there without the filter", some.answers[0], all.answers[0])
			return
		}
	}
	for _, record := range all.records {
		id, _ := record.string("id")
		if is, known := wanted(record); known && is && !there[id] {
			r.show(rule, "the record "+id+" satisfies the filter and is missing", some.answers[0], all.answers[0])
			return
		} else if known && !is && there[id] {
			r.show(rule, "the record "+id+" does not satisfy the filter and is there", some.answers[0], all.answers[0])
			return
		}
	}
}

// everyTwo goes through every two parameters that filter, and do not need each other.
func (s *suite) everyTwo(hold func(i int, p, other *parameter)) {
	var filters []*parameter
	for _, p := range s.doc.parameters {
		if p.isText() || p.isEnum() {
			filters = append(filters, p)
		}
	}
	for i, p := range filters {
		for j, other := range filters[:i] {
			if p.needs != other.name && other.needs != p.name {
				hold(i+j, p, other)
			}
		}
	}
}

// together asks for two filters, with values of a record, so that something is found; the records of the answer show
// whether they satisfy both.
func (s *suite) together(_ int, p, other *parameter) {
	if base, one, two, ok := s.apart(p, other, subject{}); ok {
		s.ask(s.asks(base.append(one).append(two).with(sizeParameter, itoa(max(s.maxSize, 1)))))
	}
}

// againstEach holds two filters together against each of them, in a part of the data.
func (s *suite) againstEach(i int, p, other *parameter) {
	if len(s.subjects) == 0 {
		return
	}
	turn := i % len(s.subjects)
	if base, one, two, ok := s.apart(p, other, slices.Concat(s.subjects[turn:], s.subjects[:turn])...); ok {
		s.both(base, one, two)
	}
}

// likes is after how many records of a subject the search for values that tell two filters apart ends.
const likes = 25

// apart picks a part of the data, and values for two filters, such that each leaves out as much as possible of what the
// other keeps: there, a server that ignores one filter beside the other shows it soonest. False if no record has values for
// both.
func (s *suite) apart(p, other *parameter, subjects ...subject) (base, one, two question, ok bool) {
	best := -1.0
	for _, subject := range subjects {
		asked := subject.append(s.history())
		for _, like := range s.recordsOf(subject, likes) {
			first, ok := s.filterLike(p, like, asked)
			second, ok2 := s.filterLike(other, like, asked)
			if !ok || !ok2 {
				continue
			}
			if part := min(s.leftOut(subject.append(first), second), s.leftOut(subject.append(second), first)); part > best {
				best, base, one, two = part, asked, first, second
			}
		}
	}
	return base, one, two, best >= 0
}

// leftOut is which part of the records that were met and have the values of a question lacks those of the other.
func (s *suite) leftOut(q, other question) float64 {
	all, out := 0, 0
	for _, id := range s.met {
		if record := s.records[id]; s.satisfies(record, q) {
			all++
			if !s.satisfies(record, other) {
				out++
			}
		}
	}
	return float64(out) / float64(max(all, 1))
}

// recordsOf picks records that were met and that belong to a subject.
func (s *suite) recordsOf(subject subject, most int) []*value {
	var picked []*value
	for _, id := range s.sample(len(s.met)) {
		if len(picked) == most {
			break
		}
		if s.satisfies(s.records[id], subject.question) {
			picked = append(picked, s.records[id])
		}
	}
	return picked
}

// filterLike asks for the value that a record has, or for one that is given; false if there is none, or if the question
// asks for it already.
func (s *suite) filterLike(p *parameter, like *value, base question) (question, bool) {
	if _, asked := base.get(p.name); asked {
		return nil, false
	}
	if p.field != nil {
		text, _ := like.string(p.field...)
		return question{{p.name, text}}, text != ""
	}
	q, ok := s.needed(nil, p)
	if len(s.given[p.name]) == 0 || !ok {
		return nil, false
	}
	return q.with(p.name, s.given[p.name][0]), true
}

func (s *suite) both(base, first, second question) {
	s.settle(func(r *round) {
		one, two := r.wholeList(base.append(first)), r.wholeList(base.append(second))
		both := r.wholeList(base.append(first).append(second))
		if !one.whole || !two.whole || !both.whole {
			return
		}
		r.try(filterBoth)
		common := slices.DeleteFunc(ids(one.records), func(id string) bool { return !slices.Contains(ids(two.records), id) })
		if !sameSet(common, ids(both.records)) {
			r.show(filterBoth, fmt.Sprintf("the two filters have %d records in common, and find %d together", len(common), len(both.records)),
				both.answers[0], one.answers[0], two.answers[0])
		}
		r.sameContent(filterBoth, both, one)
		r.sameContent(filterBoth, both, two)
	})
}

// alone asks for a filter by itself, in both lists. Whether the records satisfy it, their answer shows; those of the
// subjects that do must be there.
func (s *suite) alone(p *parameter) {
	values := s.values[p.name]
	if p.isEnum() {
		values = s.filterValues(subject{}, p)
	}
	for _, i := range s.random.Perm(len(values))[:min(len(values), 3)] {
		s.ask(s.request(p.name, values[i]))
		found := s.ask(s.asks(s.history().with(p.name, values[i])))
		if found.list == nil || found.list.total > 6*max(s.maxSize, 1) {
			continue
		}
		for _, subject := range s.subjects[:min(len(s.subjects), 1)] {
			if _, inSubject := subject.get(p.name); inSubject || len(subject.question) == 0 {
				continue
			}
			s.settle(func(r *round) {
				alone := r.wholeList(s.history().with(p.name, values[i]))
				within := r.wholeList(subject.with(p.name, values[i]).append(s.history()))
				if !alone.whole || !within.whole {
					return
				}
				r.try(filterSubset)
				r.sameRecords(filterSubset, alone, within, func(record *value) (bool, bool) {
					return s.satisfies(record, subject.question), true
				})
			})
		}
	}
}
