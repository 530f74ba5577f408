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

// everyTwoLatest asks for every two filters together among the latest records: with the values of one of those, which must
// be found, and with those of an older one, which the latest of its slot does not have and which must not be.
func (s *suite) everyTwoLatest() {
	var parts []part
	for _, subject := range s.subjects {
		parts = append(parts, s.partOf(subject))
	}
	if len(parts) == 0 {
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
			turn := (i + j) % len(parts)
			for _, old := range []bool{false, true} {
				for _, part := range slices.Concat(parts[turn:], parts[:turn]) {
					if q := s.filtersLike(part, old, p, other); q != nil {
						s.latestWith(part.question, q)
						break
					}
				}
			}
		}
	}
}

// part is what a subject held when it was looked at.
type part struct {
	subject
	latest, older []*value
	// slots are the latest records by their slot.
	slots map[string]*value
}

func (s *suite) partOf(subject subject) part {
	part := part{subject: subject, slots: make(map[string]*value)}
	s.settle(func(r *round) {
		latest, all := r.wholeList(subject.question), r.wholeList(subject.append(s.history()))
		part.latest, part.older = latest.records, nil
		clear(part.slots)
		for _, record := range latest.records {
			part.slots[slotOf(record)] = record
		}
		known := ids(latest.records)
		for _, record := range all.records {
			if id, _ := record.string("id"); !slices.Contains(known, id) {
				part.older = append(part.older, record)
			}
		}
	})
	return part
}

// filtersLike asks for two values of a latest record, or of an older one for values that the latest of its slot has not
// both; nil if there is no such record.
func (s *suite) filtersLike(part part, old bool, p, other *parameter) question {
	records := part.latest
	if old {
		records = part.older
	}
	for _, i := range s.random.Perm(len(records)) {
		one, ok := s.filterLike(p, records[i], part.question)
		two, ok2 := s.filterLike(other, records[i], part.question)
		if !ok || !ok2 {
			continue
		}
		q := one.append(two)
		if latest := part.slots[slotOf(records[i])]; !old || latest != nil && !s.satisfies(latest, q) {
			return q
		}
	}
	return nil
}
