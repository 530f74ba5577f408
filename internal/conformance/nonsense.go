package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// nonsense are names that nothing has: they are made anew for each seed, so that nobody can have taken one.
func (s *suite) nonsense(p *parameter) (names []string) {
	random := rand.New(rand.NewPCG(s.seed, 0x5e1f))
	for range 3 {
		if name := fmt.Sprintf("nothing-%016x", random.Uint64()); p.accepts(name) {
			names = append(names, name)
		}
	}
	return names
}

// nothingFound wants a name that nothing has to find nothing. Somebody may have chosen a name that is a probe elsewhere,
// however odd it is: if all that is found has it, it exists. Where records do not show it, only nonsense tells.
func (s *suite) nothingFound(p *parameter, a *answer) *judgement {
	j := &judgement{}
	if a.status == 0 {
		return j
	}
	asked, _ := a.request.asked.get(p.name)
	if a.list != nil && len(a.list.records) > 0 && !slices.Contains(s.nonsense(p), asked) {
		others := func(record *value) bool {
			got, _ := record.string(p.field...)
			return got != asked
		}
		if p.field == nil || !slices.ContainsFunc(a.list.records, others) {
			return j
		}
	}
	ok := a.list != nil && len(a.list.records) == 0 && a.list.total <= 0
	j.check(ownUnknownName, ok, "a name that nothing has is answered with %d", a.status)
	if a.list != nil && !ok {
		j.broken[0].text = "a name that nothing has finds records"
	}
	for i := range j.broken {
		j.broken[i].show = []request{a.request}
	}
	return j
}

// ignored finds a filter that chooses nothing: where nonsense of several kinds finds all that there is without the filter,
// it is not that a name happens to exist. What records show, judgeFilters sees. It is asked of everything and of parts of
// the data: everything may not stand still for as long as it takes to ask twice, and a part that does settles it.
func (s *suite) ignored(p *parameter) {
	names := s.nonsense(p)
	if p.field != nil || len(names) < 2 {
		return
	}
	bases := []question{s.prelude(p)}
	for _, subject := range s.subjects {
		if len(subject.question) > 0 {
			bases = append(bases, s.prelude(p).append(subject.question))
		}
	}
	s.ignoredIn(bases, p, names)
	if history := s.history(); history != nil {
		for i := range bases {
			bases[i] = bases[i].append(history)
		}
		s.ignoredIn(bases, p, names)
	}
}

// ignoredIn looks in some lists that are of one kind: if the filter makes one of them shorter, it is not ignored there,
// whatever it finds in a part where all records may be alike.
func (s *suite) ignoredIn(bases []question, p *parameter, names []string) {
	for _, base := range bases {
		all, some := s.ask(s.asks(base)), s.ask(s.asks(base.with(p.name, names[0])))
		if all.list != nil && some.list != nil && some.list.total < all.list.total {
			s.enter(&judgement{tried: []*Rule{filterSatisfy}})
			return
		}
	}
	for _, base := range bases {
		s.settle(func(r *round) {
			all := r.ask(base)
			if all.list == nil || all.list.total <= 0 {
				return
			}
			answers := []*answer{all}
			for _, name := range names {
				a := r.ask(base.with(p.name, name))
				if a.status == 0 {
					return
				}
				if a.list != nil && a.list.total == all.list.total && sameSet(ids(a.list.records), ids(all.list.records)) {
					answers = append(answers, a)
				}
			}
			r.try(filterSatisfy)
			if len(answers) > len(names) {
				r.show(filterSatisfy, fmt.Sprintf("%s is ignored: each of %d names that nothing has finds all %d records", p.name, len(names), all.list.total), answers...)
			}
		})
	}
}
