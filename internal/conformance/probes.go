package conformance

import (
	"strings"
)

// probe is a value of a parameter to try.
type probe struct{ text, what string }

// judgeParameters tries every parameter of the document with no value, valid values, those at a boundary, and every kind
// of invalid ones.
func (s *suite) judgeParameters() {
	s.expect(requestValid, s.request(), "a request without parameters", 200)
	for _, p := range s.doc.parameters {
		s.validValues(p)
		s.invalidValues(p)
		s.defaultValue(p)
		if p.required {
			r := s.request()
			r.query = without(r.asked, p.name).encode()
			s.expect(requestRequired, r.odd(), "a request without "+p.name, 400)
		}
	}
}

// noSuchName is what nothing is called.
const noSuchName = "no-such-name-5e1f"

// prelude is what must be asked besides for a parameter to mean something.
func (s *suite) prelude(p *parameter) question {
	q, ok := s.needed(nil, p)
	if !ok {
		q = q.with(p.needs, noSuchName)
	}
	return q
}

func without(q question, name string) question {
	for i := range q {
		if q[i].name == name {
			return q.without(i)
		}
	}
	return q
}

// validValues are answered. A text may be a name that nothing has, which is left open (L5), or need another parameter.
func (s *suite) validValues(p *parameter) {
	var texts []string
	switch {
	case p.isEnum():
		texts = p.enum()
	case p.isBoolean():
		texts = []string{"true", "false"}
	case p.isInteger():
		texts = []string{"0", "1", "2", biggestInt32}
		for _, bound := range []*float64{p.schema.Min, p.schema.Max} {
			if bound != nil {
				texts = append(texts, itoa(int64(*bound)))
			}
		}
	default:
		if values := s.values[p.name]; len(values) > 0 {
			texts = append(texts, values[0], values[len(values)-1])
		}
		texts = append(texts, s.given[p.name]...)
	}
	for _, text := range texts {
		if p.accepts(text) {
			s.expect(requestValid, s.asks(s.prelude(p).with(p.name, text)), p.name+"="+text, 200)
		}
	}
	if !p.isText() {
		return
	}
	for _, text := range []string{"a'b\"c", "é 世界", strings.Repeat("n", 256), "../..", "<b>&amp;</b>", "\\", "a\tb"} {
		if p.accepts(text) {
			a := s.expect(requestValid, s.asks(s.prelude(p).with(p.name, text).append(s.history())), p.name+" with a text that is valid", 200, 404)
			s.enter(s.nothingFound(p, a))
		}
	}
	for _, text := range s.nonsense(p) {
		a := s.expect(requestValid, s.asks(s.prelude(p).with(p.name, text).append(s.history())), p.name+" with a name that nothing has", 200, 404)
		s.enter(s.nothingFound(p, a))
	}
	s.ignored(p)
}

// invalidValues do not fit the schema, whoever reads it.
func (s *suite) invalidValues(p *parameter) {
	var probes []probe
	switch {
	case p.isEnum():
		probes = []probe{{"NO_SUCH_NAME", "a name that the enum does not have"}, {"%", "a name that the enum does not have"}}
		for _, name := range p.enum() {
			if !p.accepts(strings.ToLower(name)) {
				probes = append(probes, probe{strings.ToLower(name), "a name in lower case"})
				break
			}
		}
	case p.isBoolean():
		probes = []probe{{"maybe", "no boolean"}, {"2", "a number that is no boolean"}, {"truefalse", "no boolean"}}
	case p.isInteger():
		probes = []probe{{"abc", "no number"}, {"1.5", "a fraction"}, {"1,2", "two numbers"}, {"NaN", "no number"}}
		if p.schema.Format == "int32" {
			probes = append(probes, probe{beyondInt32, "a number beyond 32 bits"}, probe{beyondInt32Neg, "a number beyond 32 bits"},
				probe{"4294967297", "a number beyond 32 bits"}, probe{"99999999999999999999", "a number beyond 64 bits"})
		}
		if p.schema.Min != nil {
			probes = append(probes, probe{itoa(int64(*p.schema.Min) - 1), "a number below the minimum"})
		}
		if p.schema.Max != nil {
			probes = append(probes, probe{itoa(int64(*p.schema.Max) + 1), "a number above the maximum"})
		}
	case p.isText():
		if p.schema.MaxLength != nil && *p.schema.MaxLength < 4096 {
			probes = append(probes, probe{strings.Repeat("n", int(*p.schema.MaxLength)+1), "a text beyond the maximum length"})
		}
		probes = append(probes, probe{"~ !", "a text that the schema refuses"})
	}
	for _, probe := range probes {
		if !p.accepts(probe.text) {
			s.expect(requestInvalid, s.asks(s.prelude(p).with(p.name, probe.text)).odd(), p.name+"="+cut(probe.text)+", "+probe.what+",", 400)
		}
	}
}

// defaultValue is as if the parameter were absent.
func (s *suite) defaultValue(p *parameter) {
	text, ok := p.defaultText()
	if !ok || p.required {
		return
	}
	for _, base := range []question{nil, s.history()} {
		s.sameAs(parameterDefault, base, base.with(p.name, text), p.name+"="+text+" has another answer than none")
	}
}

// sameAs wants two questions to have the same answer.
func (s *suite) sameAs(rule *Rule, want, got question, text string) {
	s.settle(func(r *round) {
		first, second := r.ask(want), r.ask(got)
		if first.list == nil || second.status == 0 {
			return
		}
		r.try(rule)
		switch {
		case second.list == nil:
			r.show(rule, text+": "+s.client.told(second), second)
		case fingerprint(first) != fingerprint(second):
			r.show(rule, text, second, first)
		}
	})
}
