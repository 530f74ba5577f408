package conformance

import (
	"fmt"
	"slices"
	"strconv"
)

// judgeLatest holds the latest records against the history.
func (s *suite) judgeLatest() {
	rules := []*Rule{latestSubset, latestNewest, latestEvery, latestFiltered, latestDefault, ownAfterLatest, ownLatestTie}
	if s.history() == nil {
		s.notJudged("the document has no "+historyParam, append(rules, latestOnce)...)
		return
	}
	if len(s.subjects) == 0 {
		s.notJudged("no part of the data is small enough to walk through, and not empty", rules...)
	}
	s.settle(func(r *round) {
		absent, no := r.ask(nil), r.ask(question{{historyParam, "false"}})
		if absent.list == nil || no.status == 0 {
			return
		}
		r.try(latestDefault)
		if fingerprint(absent) != fingerprint(no) {
			r.show(latestDefault, historyParam+"=false has another answer than none", no, absent)
		}
	})
	s.latestTotals()
	var looked []string
	look := func(q question) {
		if key := q.encode(); !slices.Contains(looked, key) {
			looked = append(looked, key)
			s.latestOf(q)
		}
	}
	for _, subject := range s.subjects {
		if subject.bySlot() {
			look(subject.question)
		}
	}
	for _, id := range s.sample(8) {
		// Wherever an environment is large, its slots are small.
		q := s.of(s.records[id], "environment_name")
		if q == nil || slices.Contains(looked, q.encode()) {
			continue
		}
		if a := s.ask(s.asks(s.history().append(q).with(sizeParameter, "1"))); a.list == nil || a.list.total > 3*max(s.maxSize, 1) {
			q = s.slotQuestion(s.records[id])
		}
		if q != nil {
			look(q)
		}
	}
	for _, subject := range s.subjects {
		for _, p := range s.doc.parameters {
			if _, inSubject := subject.get(p.name); inSubject || p.field == nil {
				continue
			}
			for _, text := range s.filterValues(subject, p) {
				s.latestWith(subject.question, question{{p.name, text}})
			}
		}
	}
	s.everyTwoLatest()
}

// latestTotals wants no more latest records than there are records, which needs no walk.
func (s *suite) latestTotals() {
	s.settle(func(r *round) {
		latest, all := r.ask(nil), r.ask(s.history())
		if latest.list == nil || all.list == nil || latest.list.total < 0 || all.list.total < 0 {
			return
		}
		r.try(latestSubset)
		if latest.list.total > all.list.total {
			r.show(latestSubset, fmt.Sprintf("there are %d latest records, and %d in the history", latest.list.total, all.list.total), latest, all)
		}
	})
}

// newest are the newest records of each slot, of which there is more than one only if they are of one time.
func newest(history []*value) map[string][]*value {
	slots := make(map[string][]*value)
	for _, record := range history {
		slot := slotOf(record)
		best := slots[slot]
		switch {
		case slot == "":
		case len(best) == 0 || timeOf(record, "created_at").After(timeOf(best[0], "created_at")):
			slots[slot] = []*value{record}
		case timeOf(record, "created_at").Equal(timeOf(best[0], "created_at")):
			slots[slot] = append(best, record)
		}
	}
	return slots
}

// latestOf holds the latest records of whole slots against all of their records.
func (s *suite) latestOf(q question) {
	s.settle(func(r *round) {
		latest, all := r.wholeList(q), r.wholeList(q.append(s.history()))
		if !latest.whole || !all.whole {
			return
		}
		r.try(latestSubset, latestNewest, latestEvery, latestOnce)
		r.sameContent(latestSubset, latest, all)
		slots, known, told := newest(all.records), ids(all.records), make(map[string]bool)
		for _, record := range latest.records {
			id, _ := record.string("id")
			slot := slotOf(record)
			best := slots[slot]
			if !slices.Contains(known, id) {
				r.show(latestSubset, "the latest record "+id+" is not in the history", latest.answers[0], all.answers[0])
				continue
			}
			if told[slot] && slot != "" {
				r.show(latestOnce, "a slot is there twice, the second time with the record "+id, latest.answers...)
			}
			told[slot] = true
			if len(best) > 0 && !slices.Contains(ids(best), id) {
				of := s.slotQuestion(record)
				r.show(latestNewest, fmt.Sprintf("the latest record is %s of %s, and the history has %s of %s", id, shown(record.member("created_at")),
					ids(best)[0], shown(best[0].member("created_at"))), s.answerTo(of, latest), s.answerTo(of.append(s.history()), all))
			} else if len(best) > 1 {
				r.check(ownLatestTie, id == slices.Max(ids(best)), "of the newest records of one time, the latest is %s and not %s", id, slices.Max(ids(best)))
				if id != slices.Max(ids(best)) {
					r.broken[len(r.broken)-1].show = []request{latest.answers[0].request}
				}
			}
		}
		for _, record := range all.records {
			if slot := slotOf(record); slot != "" && !told[slot] {
				told[slot] = true
				name, _ := record.string("deployment_name")
				r.show(latestEvery, "the slot of "+strconv.Quote(name)+" has records, and no latest one", latest.answers[0], all.answers[0])
			}
		}
	})
}

// slotQuestion asks for a record's slot.
func (s *suite) slotQuestion(record *value) question {
	return s.of(record, "environment_name", "deployment_name")
}

// answerTo stands for the answer to a question that would show the same as a list that was walked.
func (s *suite) answerTo(q question, w *walked) *answer {
	if len(q) < 2 {
		return w.answers[0]
	}
	return &answer{request: s.asks(q)}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
