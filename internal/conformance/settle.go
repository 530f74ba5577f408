package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// maxRounds is how often the requests of a law are sent before it counts as not settled.
const maxRounds = 5

// round is one time that the requests of a law are sent. See the package's documentation.
type round struct {
	*judgement
	s       *suite
	answers []string
	// doubtful asks for a second round although nothing is broken: what was learned must hold in a snapshot, too.
	doubtful bool
}

// settle judges a law over several answers. The function sends its requests by way of the round and must ask the same
// again if it gets the same answers. It is false if the answers changed until the end.
func (s *suite) settle(law func(*round)) bool {
	var before *round
	for range maxRounds {
		r := &round{judgement: &judgement{}, s: s}
		law(r)
		if len(r.broken) == 0 && !r.doubtful || before != nil && slices.Equal(r.answers, before.answers) {
			s.enter(r.judgement)
			return true
		}
		before = r
	}
	// What was not broken in the last round stands.
	for _, f := range before.broken {
		s.outcomes[f.rule].unsettled++
		before.tried = slices.DeleteFunc(before.tried, func(rule *Rule) bool { return rule == f.rule })
	}
	before.broken = nil
	s.enter(before.judgement)
	return false
}

// ask sends a request of the law.
func (r *round) ask(q question) *answer {
	a := r.s.ask(r.s.asks(q))
	r.answers = append(r.answers, fingerprint(a))
	return a
}

// show tells a fault with the answers that show it.
func (r *round) show(rule *Rule, text string, answers ...*answer) {
	f := finding{rule: rule, text: text}
	for _, a := range answers {
		f.show = append(f.show, a.request)
	}
	r.broken = append(r.broken, f)
}

// fingerprint tells answers apart by what laws are about. That a record was seen again moves its last_seen_at and its
// updated_at, all the time on some servers, and is no business of any law.
func fingerprint(a *answer) string {
	if a.list == nil {
		return fmt.Sprint(a.status)
	}
	var b strings.Builder
	fmt.Fprint(&b, a.status, a.list.page, a.list.size, a.list.total, a.list.pages)
	for _, record := range a.list.records {
		b.WriteString(recordPrint(record))
	}
	return b.String()
}

func recordPrint(record *value) string {
	var b strings.Builder
	record.print(&b)
	return b.String()
}

// print writes a value in one way, whatever the order of its members.
func (v *value) print(b *strings.Builder) {
	b.WriteByte(byte(v.kind))
	b.WriteString(v.text)
	b.WriteByte(0)
	members := slices.Clone(v.members)
	slices.SortFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })
	for _, m := range members {
		if m.name == "last_seen_at" || m.name == "updated_at" {
			continue
		}
		b.WriteString(m.name)
		b.WriteByte(0)
		m.value.print(b)
	}
	for _, item := range v.items {
		item.print(b)
	}
	b.WriteByte('.')
}
