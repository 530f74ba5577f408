package relations

import (
	"net/http"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// noSuchName is a name that no record has.
const noSuchName = "no-such-name-5e1f"

// validTexts are unusual values that a text parameter accepts.
var validTexts = []string{"a'b\"c", "é 世界", strings.Repeat("n", 256), "../..", "<b>&amp;</b>", "\\", "a\tb"}

// probeParameters tries every parameter of the document: absent, with valid values, at its limits, and with every kind of
// invalid value.
func (s *Suite) probeParameters() {
	s.expect(report.RequestValid, s.Request(), "a request without parameters", 200)
	s.probeUnsupported()
	for _, p := range s.doc.Parameters {
		s.probeValid(p)
		s.probeInvalid(p)
		if text, ok := p.Default(); ok && !p.Required {
			for _, base := range []client.Query{nil, s.history()} {
				s.requireSameAnswer(report.ParameterDefault, base, base.With(p.Name, text), p.Name+"="+text+" has another answer than none")
			}
		}
		if p.Required {
			r := s.Request()
			q := slices.DeleteFunc(slices.Clone(r.Query), func(pair client.Pair) bool { return pair.Name == p.Name })
			s.expect(report.RequestRequired, client.NewRequest(r.Path, q).Ambiguous(), "a request without "+p.Name, 400)
		}
	}
}

// probeUnsupported sends the parameters that the server is known not to implement. An answer that ignores one would be the
// answer to another request.
func (s *Suite) probeUnsupported() {
	for _, p := range s.Unsupported {
		element := p
		if p.IsArray() {
			element = &spec.Parameter{Name: p.Name, Schema: p.Schema.Items.Value}
		}
		value := s.anyValue(element)
		if value == "" {
			continue // an object, or a text of which no example is known
		}
		if a := s.ask(s.requestFor(client.Query{{Name: p.Name, Value: value}})); a.Status != 0 {
			ok := a.Status == http.StatusNotImplemented && strings.Contains(a.Value.Text("message"), p.Name)
			s.check(report.OwnUnsupported, a, ok, "%s is answered with %s", p.Name, s.client.Summary(a))
		}
	}
}

// probeValid sends valid values. A text without any record may be a 404 (L5).
func (s *Suite) probeValid(p *spec.Parameter) {
	var texts []string
	switch {
	case p.IsEnum():
		texts = p.Enum()
	case p.IsBoolean():
		texts = []string{"true", "false"}
	case p.IsInteger():
		texts = []string{"0", "1", "2", biggestInt32}
		for _, limit := range []*float64{p.Schema.Min, p.Schema.Max} {
			if limit != nil {
				texts = append(texts, itoa(int64(*limit)))
			}
		}
	default:
		if values := s.values[p.Name]; len(values) > 0 {
			texts = append(texts, values[0], values[len(values)-1])
		}
		texts = append(texts, s.Values[p.Name]...)
	}
	for _, text := range texts {
		if p.Accepts(text) {
			s.expect(report.RequestValid, s.requestFor(s.baseFor(p).With(p.Name, text)), p.Name+"="+text, 200)
		}
	}
	if !p.IsText() {
		return
	}
	for _, text := range validTexts {
		if p.Accepts(text) {
			s.probeName(p, text, " with a text that is valid")
		}
	}
	for _, name := range s.unusedNames(p) {
		s.probeName(p, name, " with a name that nothing has")
	}
	s.detectIgnoredFilter(p)
}

// probeInvalid sends values that violate the schema in every reading.
func (s *Suite) probeInvalid(p *spec.Parameter) {
	type probe struct{ text, reason string }
	var probes []probe
	switch {
	case p.IsEnum():
		probes = []probe{{"NO_SUCH_NAME", "a name that the enum does not have"}, {"%", "a name that the enum does not have"}}
		for _, name := range p.Enum() {
			if lower := strings.ToLower(name); !p.Accepts(lower) {
				probes = append(probes, probe{lower, "a name in lower case"})
				break
			}
		}
	case p.IsBoolean():
		probes = []probe{{"maybe", "no boolean"}, {"2", "a number that is no boolean"}, {"truefalse", "no boolean"}}
	case p.IsInteger():
		probes = []probe{{"abc", "no number"}, {"1.5", "a fraction"}, {"1,2", "two numbers"}, {"NaN", "no number"}}
		if p.Schema.Format == "int32" {
			probes = append(probes, probe{"2147483648", "a number beyond 32 bits"}, probe{"-2147483649", "a number beyond 32 bits"},
				probe{"4294967297", "a number beyond 32 bits"}, probe{"99999999999999999999", "a number beyond 64 bits"})
		}
		if p.Schema.Min != nil {
			probes = append(probes, probe{itoa(int64(*p.Schema.Min) - 1), "a number below the minimum"})
		}
		if p.Schema.Max != nil {
			probes = append(probes, probe{itoa(int64(*p.Schema.Max) + 1), "a number above the maximum"})
		}
	case p.IsText():
		if p.Schema.MaxLength != nil && *p.Schema.MaxLength < 4096 {
			probes = append(probes, probe{strings.Repeat("n", int(*p.Schema.MaxLength)+1), "a text beyond the maximum length"})
		}
		probes = append(probes, probe{"~ !", "a text that the schema refuses"})
	}
	for _, probe := range probes {
		if !p.Accepts(probe.text) {
			r := s.requestFor(s.baseFor(p).With(p.Name, probe.text)).Ambiguous()
			s.expect(report.RequestInvalid, r, p.Name+"="+client.Cut(probe.text)+", "+probe.reason+",", 400)
		}
	}
}

// requireSameAnswer requires two queries to have the same answer.
func (s *Suite) requireSameAnswer(rule *report.Rule, want, got client.Query, text string) {
	s.requireStable(func(r *round) {
		first, second := r.get(want), r.get(got)
		if first.List == nil || second.Status == 0 {
			return
		}
		r.Try(rule)
		switch {
		case second.List == nil:
			r.fail(rule, text+": "+s.client.Summary(second), second)
		case fingerprint(first) != fingerprint(second):
			r.fail(rule, text, second, first)
		}
	})
}
