package relations

import (
	"fmt"
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// checkFilters compares filtered lists with unfiltered ones, in parts of the data that can be read whole.
func (s *Suite) checkFilters() {
	// This needs one answer for each pair of filters. With writers, the relations below may use up the requests.
	s.forEachPair(func(_ int, p, other *spec.Parameter) {
		if base, one, two, ok := s.discriminate(p, other, part{}); ok {
			s.get(base.Append(one).Append(two).With(s.doc.Layout.SizeParameter, itoa(max(s.maxSize, 1))))
		}
	})
	if len(s.parts) == 0 {
		s.notJudged(noSmallPart, report.FilterSubset, report.FilterBoth)
	}
	// The two alternate: where writers make one of them use up the requests, the other has been judged too.
	for _, check := range alternate(s.subsetChecks(), s.intersectionChecks()) {
		check()
	}
	for _, p := range s.doc.Parameters {
		if p.Field != nil {
			s.checkSingleFilter(p)
		}
	}
}

// subsetChecks compare each part with and without each filter.
func (s *Suite) subsetChecks() (checks []func()) {
	for _, part := range s.parts {
		for _, p := range s.doc.Parameters {
			if part.Has(p.Name) {
				continue
			}
			for _, text := range s.filterValues(part, p) {
				checks = append(checks, func() { s.checkSubset(part, p, text) })
			}
		}
	}
	return checks
}

// intersectionChecks compare each pair of filters with each of the two, each pair in the next part.
func (s *Suite) intersectionChecks() (checks []func()) {
	s.forEachPair(func(n int, p, other *spec.Parameter) {
		if base, one, two, ok := s.discriminate(p, other, rotate(s.parts, n)...); ok {
			checks = append(checks, func() { s.checkIntersection(base, one, two) })
		}
	})
	return checks
}

// checkSubset compares a part's history with and without a filter.
func (s *Suite) checkSubset(part part, p *spec.Parameter, text string) {
	base, ok := s.withRequired(part.Append(s.history()), p)
	if !ok {
		return
	}
	s.requireStable(func(r *round) {
		all, some := r.wholeList(base), r.wholeList(base.With(p.Name, text))
		r.requireFiltered(all, some, func(record *client.Value) (bool, bool) {
			return p.Field != nil && record.Text(p.Field...) == text, p.Field != nil
		})
	})
}

// requireFiltered requires the second list to have exactly the wanted records of the first. If it is not known whether a
// record is wanted, it may be missing.
func (r *round) requireFiltered(all, some *client.Walk, wanted func(*client.Value) (is, known bool)) {
	if !all.Complete || !some.Complete {
		return
	}
	rule := report.FilterSubset
	r.Try(rule)
	r.requireSameContent(rule, some, all)
	fail := func(text string) { r.fail(rule, text, some.Answers[0], all.Answers[0]) }
	inAll, inSome := recordsByID(all.Records), recordsByID(some.Records)
	for _, record := range some.Records {
		if id := record.ID(); inAll[id] == nil {
			fail("the record " + id + " is not there without the filter")
			return
		}
	}
	for _, record := range all.Records {
		id := record.ID()
		switch is, known := wanted(record); {
		case known && is && inSome[id] == nil:
			fail("the record " + id + " satisfies the filter and is missing")
			return
		case known && !is && inSome[id] != nil:
			fail("the record " + id + " does not satisfy the filter and is there")
			return
		}
	}
}

// checkIntersection compares two filters together with each of them alone.
func (s *Suite) checkIntersection(base, first, second client.Query) {
	s.requireStable(func(r *round) {
		one, two := r.wholeList(base.Append(first)), r.wholeList(base.Append(second))
		both := r.wholeList(base.Append(first).Append(second))
		if !one.Complete || !two.Complete || !both.Complete {
			return
		}
		r.Try(report.FilterBoth)
		inTwo := recordsByID(two.Records)
		common := slices.DeleteFunc(client.IDs(one.Records), func(id string) bool { return inTwo[id] == nil })
		if !sameSet(common, client.IDs(both.Records)) {
			r.fail(report.FilterBoth, fmt.Sprintf("the two filters have %d records in common, and find %d together", len(common), len(both.Records)),
				both.Answers[0], one.Answers[0], two.Answers[0])
		}
		r.requireSameContent(report.FilterBoth, both, one)
		r.requireSameContent(report.FilterBoth, both, two)
	})
}

// checkSingleFilter requests some values of one filter in both lists. Each answer shows whether its records match; the
// matching records of a part must be among them.
func (s *Suite) checkSingleFilter(p *spec.Parameter) {
	values := s.values[p.Name]
	if p.IsEnum() {
		values = s.filterValues(part{}, p)
	}
	for _, i := range s.pick(len(values), 3) {
		s.ask(s.Request(p.Name, values[i]))
		query := s.history().With(p.Name, values[i])
		found := s.get(query)
		if found.List == nil || found.List.Total > 6*max(s.maxSize, 1) || len(s.parts) == 0 {
			continue
		}
		part := s.parts[0]
		if len(part.Query) == 0 || part.Has(p.Name) {
			continue
		}
		s.requireStable(func(r *round) {
			alone, within := r.wholeList(query), r.wholeList(part.With(p.Name, values[i]).Append(s.history()))
			r.requireFiltered(alone, within, func(record *client.Value) (bool, bool) {
				return s.matches(record, part.Query), true
			})
		})
	}
}
