package relations

import (
	"fmt"
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// checkLatestFiltered requires that the server applies filters either to the latest records or before it finds the latest.
func (s *Suite) checkLatestFiltered(base, filters client.Query) {
	s.requireStable(func(r *round) {
		latest, found := r.wholeList(base), r.wholeList(base.Append(filters))
		all := r.wholeList(base.Append(s.history()))
		if !latest.Complete || !found.Complete || !all.Complete {
			return
		}
		after := s.matching(latest.Records, filters)
		r.Try(report.LatestFiltered, report.OwnAfterLatest)
		r.requireSameContent(report.LatestFiltered, found, all)
		switch {
		case sameSet(client.IDs(after), client.IDs(found.Records)):
		case s.isFilteredBeforeLatest(found.Records, all.Records, filters):
			r.fail(report.OwnAfterLatest, fmt.Sprintf("%d records are found that are not the latest of their slot", len(found.Records)-len(after)), found.Answers[0], latest.Answers[0])
		default:
			r.fail(report.LatestFiltered, fmt.Sprintf("%d records are found; of the latest, %d match", len(found.Records), len(after)), found.Answers[0], latest.Answers[0])
		}
	})
}

// isFilteredBeforeLatest reports whether the records result from applying some filters before the latest records are found,
// and the others afterwards.
func (s *Suite) isFilteredBeforeLatest(found, all []*client.Value, filters client.Query) bool {
	for before := 1; before < 1<<len(filters); before++ {
		var first, then client.Query
		for i, filter := range filters {
			if before&(1<<i) != 0 {
				first = append(first, filter)
			} else {
				then = append(then, filter)
			}
		}
		if s.isNewestPerSlot(found, newestPerSlot(s.matching(all, first)), then) {
			return true
		}
	}
	return false
}

// isNewestPerSlot reports whether the records are one of the newest of each slot, if that record matches the query.
func (s *Suite) isNewestPerSlot(records []*client.Value, slots map[string][]*client.Value, q client.Query) bool {
	found := make(map[string]bool)
	for _, record := range records {
		slot := slotOf(record)
		if found[slot] || !slices.Contains(client.IDs(s.matching(slots[slot], q)), record.ID()) {
			return false
		}
		found[slot] = true
	}
	for slot, newest := range slots {
		// If several records were created at the same time, the latest may be one that does not match.
		if !found[slot] && len(s.matching(newest, q)) == len(newest) {
			return false
		}
	}
	return true
}

// checkLatestFilterPairs requests every two filters together without full_history: with the values of a latest record, which
// must be found, and with those of an older record, which must not be found.
func (s *Suite) checkLatestFilterPairs() {
	var contents []partContent
	for _, part := range s.parts {
		contents = append(contents, s.readPart(part))
	}
	var filters []*spec.Parameter
	for _, p := range s.doc.Parameters {
		if p.Field != nil && (p.IsText() || p.IsEnum()) {
			filters = append(filters, p)
		}
	}
	for i, p := range filters {
		for j, other := range filters[:i] {
			for _, old := range []bool{false, true} {
				for _, content := range rotate(contents, i+j) {
					if q := s.pairLike(content, old, p, other); q != nil {
						s.checkLatestFiltered(content.Query, q)
						break
					}
				}
			}
		}
	}
}

// partContent has the records of a part.
type partContent struct {
	client.Query
	latest, older []*client.Value
	// latestOf has the latest record of each slot.
	latestOf map[string]*client.Value
}

func (s *Suite) readPart(part part) (content partContent) {
	s.requireStable(func(r *round) {
		latest, all := r.wholeList(part.Query), r.wholeList(part.Append(s.history()))
		content = partContent{Query: part.Query, latest: latest.Records, latestOf: make(map[string]*client.Value)}
		isLatest := recordsByID(latest.Records)
		for _, record := range latest.Records {
			content.latestOf[slotOf(record)] = record
		}
		for _, record := range all.Records {
			if isLatest[record.ID()] == nil {
				content.older = append(content.older, record)
			}
		}
	})
	return content
}

// pairLike filters by two values of a latest record, or of an older record if the latest record of its slot does not have
// both values. It returns nil if there is no such record.
func (s *Suite) pairLike(content partContent, old bool, p, other *spec.Parameter) client.Query {
	records := content.latest
	if old {
		records = content.older
	}
	for _, i := range s.pick(len(records), len(records)) {
		one, ok := s.filterLike(p, records[i], content.Query)
		two, ok2 := s.filterLike(other, records[i], content.Query)
		if !ok || !ok2 {
			continue
		}
		q := one.Append(two)
		if latest := content.latestOf[slotOf(records[i])]; !old || latest != nil && !s.matches(latest, q) {
			return q
		}
	}
	return nil
}
