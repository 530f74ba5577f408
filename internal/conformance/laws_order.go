package conformance

import (
	"slices"
)

// repeats is how often a question is asked to see whether its answer stays.
const repeats = 8

// judgeOrder asks the same again and again. An answer that changes may be the work of a writer, but these are not: the
// very records in another order, and an answer that goes and comes back.
func (s *suite) judgeOrder() {
	questions := []question{nil, s.history()}
	for _, subject := range s.subjects[:min(len(s.subjects), 1)] {
		questions = append(questions, subject.question, subject.append(s.history()))
	}
	// Where two records are of one time, servers go wrong; a slot alone shows it soonest.
	for _, tie := range s.ties(3) {
		questions = append(questions, tie, tie.append(s.history()))
	}
	for i, q := range questions {
		if i > 0 && slices.ContainsFunc(questions[:i], func(before question) bool { return before.encode() == q.encode() }) {
			continue
		}
		s.askedTwice(q)
	}
	if s.historyTotal < 2 {
		s.notJudged("there are fewer than two records", orderTwice, ownOrder)
	}
}

func (s *suite) askedTwice(q question) {
	if s.maxSize > 0 {
		q = q.with(sizeParameter, itoa(s.maxSize))
	}
	var answers []*answer
	for range repeats {
		a := s.ask(s.asks(q))
		if a.list == nil || a.list.total < 1 {
			return
		}
		answers = append(answers, a)
	}
	j := &judgement{}
	j.try(orderTwice)
	defer func() { s.enter(j, answers[0].request) }()
	for i, a := range answers[1:] {
		before := answers[i]
		now, then := recordPrints(a), recordPrints(before)
		if !slices.Equal(now, then) && sameSet(now, then) {
			j.fault(orderTwice, "the same records come in another order when they are asked for again")
			return
		}
	}
	for i, a := range answers {
		changed := false
		for _, later := range answers[i+1:] {
			same := fingerprint(later) == fingerprint(a)
			if same && changed {
				j.fault(orderTwice, "the answer to the same question changes and comes back")
				return
			}
			changed = changed || !same
		}
	}
	if id := comesBack(answers); id != "" {
		j.fault(orderTwice, "the record %s is there, then it is not, and then it is again", id)
	}
}

// comesBack finds a record that was missing between two answers that have it, if all answers have all there is on one
// page: a record that is no more the latest does not become it again.
func comesBack(answers []*answer) string {
	const there, gone = 1, 2
	state := make(map[string]int)
	for _, a := range answers {
		if a.list.total != int64(len(a.list.records)) {
			return ""
		}
		now := ids(a.list.records)
		for _, id := range now {
			if state[id] == gone {
				return id
			}
			state[id] = there
		}
		for id := range state {
			if !slices.Contains(now, id) {
				state[id] = gone
			}
		}
	}
	return ""
}

// ties are slots that have more than one record of the newest time, among those that were met.
func (s *suite) ties(most int) (found []question) {
	records := make([]*value, len(s.met))
	for i, id := range s.met {
		records[i] = s.records[id]
	}
	slots := newest(records)
	for _, record := range records {
		best := slots[slotOf(record)]
		if len(best) < 2 || best[0] != record || len(found) == most {
			continue
		}
		if q := s.slotQuestion(record); q != nil {
			found = append(found, q)
		}
	}
	return found
}

func recordPrints(a *answer) []string {
	prints := make([]string, len(a.list.records))
	for i, record := range a.list.records {
		prints[i] = recordPrint(record)
	}
	return prints
}
