package relations

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// checkLatest compares the latest records with the history.
func (s *Suite) checkLatest() {
	rules := []*report.Rule{
		report.LatestSubset, report.LatestNewest, report.LatestEvery, report.LatestFiltered, report.LatestDefault,
		report.OwnAfterLatest, report.OwnLatestTie,
	}
	if s.history() == nil {
		s.notJudged("the document has no "+fullHistory, append(rules, report.LatestOnce)...)
		return
	}
	if len(s.parts) == 0 {
		s.notJudged(noSmallPart, rules...)
	}
	s.requireStable(func(r *round) {
		absent, no := r.get(nil), r.get(client.Query{{Name: fullHistory, Value: "false"}})
		if absent.List == nil || no.Status == 0 {
			return
		}
		r.Try(report.LatestDefault)
		if fingerprint(absent) != fingerprint(no) {
			r.fail(report.LatestDefault, fullHistory+"=false has another answer than none", no, absent)
		}
	})
	s.checkLatestTotal()
	s.checkSlots()
	for _, part := range s.parts {
		for _, p := range s.doc.Parameters {
			if p.Field == nil || part.Has(p.Name) {
				continue
			}
			for _, text := range s.filterValues(part, p) {
				s.checkLatestFiltered(part.Query, client.Query{{Name: p.Name, Value: text}})
			}
		}
	}
	s.checkLatestFilterPairs()
}

// checkLatestTotal requires the history to have at least as many records as the latest list. This needs no walk.
func (s *Suite) checkLatestTotal() {
	s.requireStable(func(r *round) {
		latest, all := r.get(nil), r.get(s.history())
		if latest.List == nil || all.List == nil || latest.List.Total < 0 || all.List.Total < 0 {
			return
		}
		r.Try(report.LatestSubset)
		if latest.List.Total > all.List.Total {
			r.fail(report.LatestSubset, fmt.Sprintf("there are %d latest records, and %d in the history", latest.List.Total, all.List.Total), latest, all)
		}
	})
}

// checkSlots checks the slots of parts and of some records.
func (s *Suite) checkSlots() {
	var checked []string
	check := func(q client.Query) {
		if key := q.Encode(); !slices.Contains(checked, key) {
			checked = append(checked, key)
			s.checkLatestOf(q)
		}
	}
	for _, part := range s.parts {
		if part.isWholeSlots() {
			check(part.Query)
		}
	}
	for _, record := range s.sample(8) {
		q := s.queryLike(record, "environment_name")
		if q == nil || slices.Contains(checked, q.Encode()) {
			continue
		}
		// In a large environment, only the record's slot is checked.
		if a := s.get(s.history().Append(q).With(s.doc.Layout.SizeParameter, itoa(s.minSize()))); a.List == nil || a.List.Total > 3*max(s.maxSize, 1) {
			q = s.slotQuery(record)
		}
		if q != nil {
			check(q)
		}
	}
}

// newestPerSlot returns the newest records of each slot: several if they were created at the same time.
func newestPerSlot(history []*client.Value) map[string][]*client.Value {
	slots := make(map[string][]*client.Value)
	for _, record := range history {
		slot := slotOf(record)
		if slot == "" {
			continue
		}
		newest := slots[slot]
		switch created := record.Time("created_at"); {
		case len(newest) == 0 || created.After(newest[0].Time("created_at")):
			slots[slot] = []*client.Value{record}
		case created.Equal(newest[0].Time("created_at")):
			slots[slot] = append(newest, record)
		}
	}
	return slots
}

// checkLatestOf compares the latest records of whole slots with all records of these slots.
func (s *Suite) checkLatestOf(q client.Query) {
	s.requireStable(func(r *round) {
		latest, all := r.wholeList(q), r.wholeList(q.Append(s.history()))
		if !latest.Complete || !all.Complete {
			return
		}
		r.Try(report.LatestSubset, report.LatestNewest, report.LatestEvery, report.LatestOnce)
		r.requireSameContent(report.LatestSubset, latest, all)
		slots, inAll, found := newestPerSlot(all.Records), recordsByID(all.Records), make(map[string]bool)
		for _, record := range latest.Records {
			id, slot := record.ID(), slotOf(record)
			if inAll[id] == nil {
				r.fail(report.LatestSubset, "the latest record "+id+" is not in the history", latest.Answers[0], all.Answers[0])
				continue
			}
			if found[slot] && slot != "" {
				r.fail(report.LatestOnce, "a slot is there twice, the second time with the record "+id, latest.Answers...)
			}
			found[slot] = true
			newest := slots[slot]
			if len(newest) == 0 {
				continue
			}
			ids := client.IDs(newest)
			if greatest := slices.Max(ids); !slices.Contains(ids, id) {
				slotQuery := s.slotQuery(record)
				r.fail(report.LatestNewest, fmt.Sprintf("the latest record is %s of %s, and the history has %s of %s", id, record.Get("created_at"),
					ids[0], newest[0].Get("created_at")), s.narrowed(slotQuery, latest), s.narrowed(slotQuery.Append(s.history()), all))
			} else if len(ids) > 1 {
				r.Try(report.OwnLatestTie)
				if id != greatest {
					r.fail(report.OwnLatestTie, fmt.Sprintf("of the newest records of one time, the latest is %s and not %s", id, greatest), latest.Answers[0])
				}
			}
		}
		for _, record := range all.Records {
			if slot := slotOf(record); slot != "" && !found[slot] {
				found[slot] = true
				r.fail(report.LatestEvery, "the slot of "+strconv.Quote(record.Text("deployment_name"))+" has records, and no latest one", latest.Answers[0], all.Answers[0])
			}
		}
	})
}

// slotQuery returns the query for a record's slot, or nil.
func (s *Suite) slotQuery(record *client.Value) client.Query {
	return s.queryLike(record, "environment_name", "deployment_name")
}

// narrowed stands for the answer to a smaller query that shows the same finding as a walk.
func (s *Suite) narrowed(q client.Query, w *client.Walk) *client.Answer {
	if len(q) < 2 {
		return w.Answers[0]
	}
	return &client.Answer{Request: s.requestFor(q)}
}
