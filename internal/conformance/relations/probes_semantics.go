package relations

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// probeSemantics probes the points that the document leaves open and docs/semantics.md defines.
func (s *Suite) probeSemantics() {
	s.probeRequired()
	s.probeNumbers()
	s.probeSpelling()
	s.probeEncoding()
	s.probeUnknownParameters()
	s.probeAllFaults()
	s.probeExactMatch()
	for _, p := range s.doc.Parameters {
		if p.IsText() && !p.Required && p.Accepts("") {
			s.requireSameAnswer(report.OwnEmptyText, nil, client.Query{{Name: p.Name}}, p.Name+"= has another answer than none")
		}
		if !p.IsArray() {
			text := s.anyValue(p)
			r := s.requestFor(s.baseFor(p).With(p.Name, text, p.Name, text)).Ambiguous()
			s.expect(report.OwnRepeated, r, p.Name+" given twice", http.StatusBadRequest)
		}
	}
}

// probeRequired sends parameters without the one that they require.
func (s *Suite) probeRequired() {
	for _, p := range s.doc.Parameters {
		if s.doc.Parameter(p.Requires) == nil {
			continue
		}
		without := client.Query{{Name: p.Name, Value: noSuchName}}
		empty := client.Query{{Name: p.Requires}}.Append(without)
		for _, q := range []client.Query{without, empty} {
			s.expect(report.OwnNeeds, s.requestFor(q), p.Name+" without "+p.Requires, http.StatusBadRequest)
		}
	}
}

func (s *Suite) probeNumbers() {
	if s.hasPages() {
		s.requireSameAnswer(report.OwnSizeDefault, nil, client.Query{{Name: s.doc.Layout.SizeParameter, Value: "0"}}, s.doc.Layout.SizeParameter+"=0 has another answer than none")
	}
	for _, name := range []string{s.doc.Layout.PageParameter, s.doc.Layout.SizeParameter} {
		p := s.doc.Parameter(name)
		if p == nil || p.Schema.Min != nil && *p.Schema.Min >= 0 {
			continue // probeInvalid covers a documented minimum
		}
		for _, text := range []string{"-1", "-2147483648"} {
			s.expect(report.OwnNegative, s.Request(name, text).Ambiguous(), name+"="+text, http.StatusBadRequest)
		}
	}
}

// probeSpelling sends values that some parsers accept as other spellings.
func (s *Suite) probeSpelling() {
	for _, p := range s.doc.Parameters {
		var texts []string
		switch {
		case p.IsEnum():
			texts = []string{"", "1", strings.Join(p.Enum(), ","), " " + p.Enum()[len(p.Enum())-1]}
		case p.IsBoolean():
			texts = []string{"", "TRUE", "True", "1", "0", "t", "yes", " true"}
		case p.IsInteger():
			texts = []string{"", "+1", "01", "007", "1e0", "1.0", "0x1", " 1", "1 ", "1_0"}
		}
		for _, text := range texts {
			s.expect(report.OwnSpelling, s.Request(p.Name, text).Ambiguous(), p.Name+"="+text, http.StatusBadRequest)
		}
	}
}

// probeEncoding sends queries with broken escapes, and values that are not text.
func (s *Suite) probeEncoding() {
	queries := []string{"%zz", "x=%", "x=%4", "%e9%=1", "a;b=1", "x=1;y=2"}
	for _, p := range s.doc.Parameters {
		queries = append(queries, client.Escape(p.Name)+"=%zz")
		if p.IsText() {
			for _, bytes := range []string{"%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80"} {
				queries = append(queries, s.baseFor(p).With(p.Name, "").Encode()+bytes)
			}
		}
	}
	for _, query := range queries {
		r := s.Request().Ambiguous()
		r.RawQuery = strings.TrimPrefix(r.RawQuery+"&"+query, "&")
		s.expect(report.OwnEncoding, r, "a query that can't be read", http.StatusBadRequest)
	}
}

func (s *Suite) probeUnknownParameters() {
	const unknown = "no_such_parameter"
	queries := []client.Query{{{Name: unknown, Value: "1"}}, {{Name: unknown}, {Name: unknown, Value: "\x00"}}}
	if len(s.doc.Parameters) > 0 {
		queries = append(queries, client.Query{{Name: strings.ToUpper(s.doc.Parameters[0].Name), Value: noSuchName}})
	}
	var refused []*client.Answer
	for _, q := range queries {
		if a := s.get(q); a.Status == http.StatusBadRequest {
			refused = append(refused, a)
		}
	}
	if len(refused) < len(queries) {
		for _, q := range queries {
			s.requireSameAnswer(report.OwnUnknownParam, nil, q, "a parameter that the document does not name changes the answer")
		}
		return
	}
	for _, a := range refused { // every one, so that it is the setting
		c := &report.Checks{Tried: []*report.Rule{report.OwnUnknownParam}}
		c.Fail(report.OwnUnknownParam, "refused with 400, as the setting --unknown-parameters=reject does")
		c.Broken[0].Setting = true
		s.record(c, a)
	}
}

// probeAllFaults sends several invalid values and requires the error to name all of them.
func (s *Suite) probeAllFaults() {
	var q client.Query
	for _, p := range s.doc.Parameters {
		if p.IsInteger() || p.IsBoolean() || p.IsEnum() {
			q = q.With(p.Name, "NO-SUCH-VALUE")
		}
	}
	if len(q) < 2 {
		return
	}
	a := s.ask(s.requestFor(q))
	if a.Status != http.StatusBadRequest {
		return // request.invalid covers the status
	}
	summary := s.client.Summary(a)
	for _, p := range q {
		s.check(report.OwnAllFaults, a, strings.Contains(summary, p.Name), "%s is one of %d faults, and is not told: %s", p.Name, len(q), summary)
	}
}

// probeExactMatch filters by variations of existing values, which must find no records of the original.
func (s *Suite) probeExactMatch() {
	for _, p := range s.doc.Parameters {
		if p.Field == nil || !p.IsText() || len(s.values[p.Name]) == 0 {
			continue
		}
		values := s.values[p.Name]
		for n, i := range s.pick(len(values), 6) {
			texts := variations(values[i])
			if n > 0 {
				texts = texts[:1] // servers may ignore case for some parameters only, so each value gets this variation
			}
			for _, like := range texts {
				if like != values[i] && p.Accepts(like) && !s.isObserved(p, like) {
					s.expect(report.OwnExact, s.requestFor(s.history().With(p.Name, like)), p.Name+" with a variation of a name", s.statusesOfUnknownNames()...)
				}
			}
		}
		// Values of other parameters must not match either.
		for _, other := range s.doc.Parameters {
			if other == p {
				continue
			}
			values := s.values[other.Name]
			for _, i := range s.pick(len(values), 2) {
				s.get(s.history().With(p.Name, values[i]))
			}
		}
	}
	if len(s.met) == 0 {
		s.notJudged("there are no records", report.OwnExact)
	}
}

// statusesOfUnknownNames returns the statuses of a filter by a name that nothing has. 404 is one of them if the server has
// answered other such names with it, which own.unknown-name reports.
func (s *Suite) statusesOfUnknownNames() []int {
	if s.unknownNamesNotFound {
		return []int{http.StatusOK, http.StatusNotFound}
	}
	return []int{http.StatusOK}
}

// variations returns texts that a server may confuse with the text. The first swaps the case.
func variations(text string) []string {
	runes := []rune(text)
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
	half, tail := string(runes[:(len(runes)+1)/2]), string(runes[1:])
	return []string{swapped, "%", "*", half + "%", half + "*", "_" + tail, "?" + tail, "." + tail, half, text + " ", " " + text, "^" + text + "$"}
}
