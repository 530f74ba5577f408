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
