package relations

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// repeats is the number of times that checkOrder sends the same query.
const repeats = 8

// checkOrder sends the same queries repeatedly.
func (s *Suite) checkOrder() {
	queries := []client.Query{nil, s.history()}
	if len(s.parts) > 0 {
		queries = append(queries, s.parts[0].Query, s.parts[0].Append(s.history()))
	}
	// Records created at the same time have no order by time; their slot alone shows an unstable order soonest.
	for _, tie := range s.ties(3) {
		queries = append(queries, tie, tie.Append(s.history()))
	}
	for i, q := range queries {
		if !slices.ContainsFunc(queries[:i], func(before client.Query) bool { return slices.Equal(before, q) }) {
			s.checkRepeated(q)
		}
	}
	if s.historyTotal < 2 {
		s.notJudged("there are fewer than two records", report.OrderTwice, report.OwnOrder)
	}
}

// checkRepeated sends a query repeatedly. A writer may change the answer, but can neither reorder the same records nor
// restore an earlier answer.
func (s *Suite) checkRepeated(q client.Query) {
	if s.maxSize > 0 {
		q = q.With(s.doc.Layout.SizeParameter, itoa(s.maxSize))
	}
	var answers []*client.Answer
	for range repeats {
		a := s.get(q)
		if a.List == nil || a.List.Total < 1 {
			return
		}
		answers = append(answers, a)
	}
	wrong := unstable(answers)
	s.check(report.OrderTwice, answers[0], wrong == "", "%s", wrong)
}

// unstable describes how repeated answers contradict each other, or returns "".
func unstable(answers []*client.Answer) string {
	for i, a := range answers[1:] {
		now, before := recordPrints(a), recordPrints(answers[i])
		if !slices.Equal(now, before) && sameSet(now, before) {
			return "the same records come in another order when they are asked for again"
		}
	}
	for i, a := range answers {
		changed := false
		for _, later := range answers[i+1:] {
			same := fingerprint(later) == fingerprint(a)
			if same && changed {
				return "the answer to the same question changes and comes back"
			}
			changed = changed || !same
		}
	}
	if id := reappearing(answers); id != "" {
		return "the record " + id + " is there, then it is not, and then it is again"
	}
	return ""
}

// reappearing returns a record that is missing between two answers that have it, or "". It requires the answers to have
// the whole list on one page; a record that is no longer the latest does not become the latest again.
func reappearing(answers []*client.Answer) string {
	present := make(map[string]bool) // false for records that disappeared
	for _, a := range answers {
		if a.List.Total != int64(len(a.List.Records)) {
			return ""
		}
		now := client.IDs(a.List.Records)
		for _, id := range now {
			if was, seen := present[id]; seen && !was {
				return id
			}
			present[id] = true
		}
		for id := range present {
			present[id] = slices.Contains(now, id)
		}
	}
	return ""
}

// ties returns queries for slots whose newest records were created at the same time.
func (s *Suite) ties(limit int) (found []client.Query) {
	records := make([]*client.Value, len(s.met))
	for i, id := range s.met {
		records[i] = s.records[id]
	}
	slots := newestPerSlot(records)
	for _, record := range records {
		newest := slots[slotOf(record)]
		if len(newest) < 2 || newest[0] != record || len(found) == limit {
			continue
		}
		if q := s.slotQuery(record); q != nil {
			found = append(found, q)
		}
	}
	return found
}
