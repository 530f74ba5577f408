package relations

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// unusedNames returns names that no record has. They depend on the seed, so that nobody can have recorded them.
func (s *Suite) unusedNames(p *spec.Parameter) (names []string) {
	random := rand.New(rand.NewPCG(s.Seed, 0x5e1f))
	for range 3 {
		if name := fmt.Sprintf("nothing-%016x", random.Uint64()); p.Accepts(name) {
			names = append(names, name)
		}
	}
	return names
}

// probeName filters by a name that probably no record has, and requires an empty list.
func (s *Suite) probeName(p *spec.Parameter, name, why string) {
	query := s.baseFor(p).With(p.Name, name).Append(s.history())
	a := s.expect(report.RequestValid, s.requestFor(query), p.Name+why, 200, 404)
	if a.Status == 0 || s.mayExist(p, name, a) {
		return
	}
	s.unknownNamesNotFound = s.unknownNamesNotFound || a.Status == http.StatusNotFound
	if a.List == nil {
		s.check(report.OwnUnknownName, a, false, "a name that nothing has is answered with %d", a.Status)
	} else {
		s.check(report.OwnUnknownName, a, len(a.List.Records) == 0 && a.List.Total <= 0, "a name that nothing has finds records")
	}
}

// mayExist reports whether someone may have recorded a name of [validTexts]: all records found have it, or records do not
// show it.
func (s *Suite) mayExist(p *spec.Parameter, name string, a *client.Answer) bool {
	if a.List == nil || len(a.List.Records) == 0 || slices.Contains(s.unusedNames(p), name) {
		return false
	}
	return p.Field == nil || !slices.ContainsFunc(a.List.Records, func(record *client.Value) bool { return record.Text(p.Field...) != name })
}

// detectIgnoredFilter finds filters without effect: several unused names all return the unfiltered list. It handles
// parameters whose values records do not show; checkFilterValues handles the others. It looks at the whole list and at
// parts, because the whole list may change between two requests.
func (s *Suite) detectIgnoredFilter(p *spec.Parameter) {
	names := s.unusedNames(p)
	if p.Field != nil || len(names) < 2 {
		return
	}
	bases := []client.Query{s.baseFor(p)}
	for _, part := range s.parts {
		if len(part.Query) > 0 {
			bases = append(bases, s.baseFor(p).Append(part.Query))
		}
	}
	s.detectIgnoredIn(bases, p, names)
	if history := s.history(); history != nil {
		for i := range bases {
			bases[i] = bases[i].Append(history)
		}
		s.detectIgnoredIn(bases, p, names)
	}
}

// detectIgnoredIn looks at lists of the same set. If the filter shortens one of them, it has an effect in all.
func (s *Suite) detectIgnoredIn(bases []client.Query, p *spec.Parameter, names []string) {
	for _, base := range bases {
		all, some := s.get(base), s.get(base.With(p.Name, names[0]))
		if all.List != nil && some.List != nil && some.List.Total < all.List.Total {
			s.check(report.FilterSatisfy, some, true, "")
			return
		}
	}
	for _, base := range bases {
		s.requireStable(func(r *round) {
			all := r.get(base)
			if all.List == nil || all.List.Total <= 0 {
				return
			}
			unfiltered := []*client.Answer{all}
			for _, name := range names {
				a := r.get(base.With(p.Name, name))
				if a.Status == 0 {
					return
				}
				if a.List != nil && a.List.Total == all.List.Total && sameSet(client.IDs(a.List.Records), client.IDs(all.List.Records)) {
					unfiltered = append(unfiltered, a)
				}
			}
			r.Try(report.FilterSatisfy)
			if len(unfiltered) > len(names) {
				r.fail(report.FilterSatisfy, fmt.Sprintf("%s is ignored: each of %d names that nothing has finds all %d records", p.Name, len(names), all.List.Total), unfiltered...)
			}
		})
	}
}
