package conformance

import (
	"fmt"
	"slices"
)

// latestWith finds out whether filters choose among the latest records or before them, and wants one of the two, of each.
func (s *suite) latestWith(base, filters question) {
	s.settle(func(r *round) {
		latest, found := r.wholeList(base), r.wholeList(base.append(filters))
		all := r.wholeList(base.append(s.history()))
		if !latest.whole || !found.whole || !all.whole {
			return
		}
		after := s.having(latest.records, filters)
		r.try(latestFiltered, ownAfterLatest)
		r.sameContent(latestFiltered, found, all)
		switch {
		case sameSet(ids(after), ids(found.records)):
		case s.chosenBefore(found.records, all.records, filters):
			r.show(ownAfterLatest, fmt.Sprintf("%d records are found that are not the latest of their slot", len(found.records)-len(after)), found.answers[0], latest.answers[0])
		default:
			r.show(latestFiltered, fmt.Sprintf("%d records are found; of the latest, %d match", len(found.records), len(after)), found.answers[0], latest.answers[0])
		}
	})
}

// having are the records that have the values of a question.
func (s *suite) having(records []*value, q question) (found []*value) {
	for _, record := range records {
		if s.satisfies(record, q) {
			found = append(found, record)
		}
	}
	return found
}

// chosenBefore says whether the records are what comes of some filters that choose before the latest are found, and the
// others after that. Which do is open.
func (s *suite) chosenBefore(found, all []*value, filters question) bool {
	for before := 1; before < 1<<len(filters); before++ {
		var first, then question
		for i, filter := range filters {
			if before&(1<<i) != 0 {
				first = append(first, filter)
			} else {
				then = append(then, filter)
			}
		}
		if s.isNewest(found, newest(s.having(all, first)), then) {
			return true
		}
	}
	return false
}

// isNewest says whether the records are one of the newest of each slot, if that has the values of the question.
func (s *suite) isNewest(records []*value, slots map[string][]*value, q question) bool {
	there := make(map[string]bool)
	for _, record := range records {
		id, _ := record.string("id")
		slot := slotOf(record)
		if there[slot] || !slices.Contains(ids(s.having(slots[slot], q)), id) {
			return false
		}
		there[slot] = true
	}
	for slot, best := range slots {
		// Of several of one time, that which is the latest may be one that does not match.
		if !there[slot] && len(s.having(best, q)) == len(best) {
			return false
		}
	}
	return true
}

// everyTwoLatest asks for every two filters together among the latest records, with the values of a record.
func (s *suite) everyTwoLatest() {
	if len(s.subjects) == 0 {
		return
	}
	var filters []*parameter
	for _, p := range s.doc.parameters {
		if p.field != nil && (p.isText() || p.isEnum()) {
			filters = append(filters, p)
		}
	}
	for i, p := range filters {
		for j, other := range filters[:i] {
			subject := s.subjects[(i+j)%len(s.subjects)]
			like := s.recordOf(subject)
			one, ok := s.filterLike(p, like, subject.question)
			two, ok2 := s.filterLike(other, like, subject.question)
			if ok && ok2 {
				s.latestWith(subject.question, one.append(two))
			}
		}
	}
}
