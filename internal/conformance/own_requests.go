package conformance

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// judgeOwnRequests asks what the document leaves open.
func (s *suite) judgeOwnRequests() {
	s.needs()
	s.numbers()
	s.spelling()
	s.encoding()
	s.unknownParameters()
	s.allFaults()
	s.exactness()
	for _, p := range s.doc.parameters {
		if p.isText() && !p.required {
			s.sameAs(ownEmptyText, nil, question{{p.name, ""}}, p.name+"= has another answer than none")
		}
		if p.schema.Type.Is(openapi3.TypeArray) {
			continue
		}
		text := s.anyValue(p)
		s.expect(ownRepeated, s.asks(s.prelude(p).with(p.name, text, p.name, text)).odd(), p.name+" given twice", http.StatusBadRequest)
	}
}

// needs asks for a parameter without the one that it requires.
func (s *suite) needs() {
	for _, p := range s.doc.parameters {
		if p.needs == "" || s.doc.parameter(p.needs) == nil {
			continue
		}
		for _, q := range []question{{{p.name, noSuchName}}, {{p.needs, ""}, {p.name, noSuchName}}} {
			s.expect(ownNeeds, s.asks(q), p.name+" without "+p.needs, http.StatusBadRequest)
		}
	}
}

func (s *suite) numbers() {
	if s.doc.parameter(sizeParameter) != nil && s.doc.parameter(pageParameter) != nil {
		s.sameAs(ownSizeDefault, nil, question{{sizeParameter, "0"}}, sizeParameter+"=0 has another answer than none")
	}
	for _, name := range []string{pageParameter, sizeParameter} {
		p := s.doc.parameter(name)
		if p == nil || p.schema.Min != nil && *p.schema.Min >= 0 {
			continue // the document says it
		}
		for _, text := range []string{"-1", "-2147483648"} {
			s.expect(ownNegative, s.request(name, text).odd(), name+"="+text, http.StatusBadRequest)
		}
	}
}

// spelling tries values that some readers take for others.
func (s *suite) spelling() {
	for _, p := range s.doc.parameters {
		var texts []string
		switch {
		case p.isEnum():
			texts = []string{"", "1", strings.Join(p.enum(), ","), " " + p.enum()[len(p.enum())-1]}
		case p.isBoolean():
			texts = []string{"", "TRUE", "True", "1", "0", "t", "yes", " true"}
		case p.isInteger():
			texts = []string{"", "+1", "01", "007", "1e0", "1.0", "0x1", " 1", "1 ", "1_0"}
		}
		for _, text := range texts {
			s.expect(ownSpelling, s.request(p.name, text).odd(), p.name+"="+text, http.StatusBadRequest)
		}
	}
}

// encoding sends queries that cannot be read whole, and texts that are none.
func (s *suite) encoding() {
	queries := []string{"%zz", "x=%", "x=%4", "%e9%=1", "a;b=1", "x=1;y=2"}
	for _, p := range s.doc.parameters {
		queries = append(queries, escape(p.name)+"=%zz")
		if p.isText() {
			for _, bytes := range []string{"%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80"} {
				queries = append(queries, s.prelude(p).with(p.name, "").encode()+bytes)
			}
		}
	}
	for _, query := range queries {
		r := s.request()
		r.query = strings.TrimPrefix(r.query+"&"+query, "&")
		s.expect(ownEncoding, r.odd(), "a query that can't be read", http.StatusBadRequest)
	}
}

func (s *suite) unknownParameters() {
	questions := []question{{{"no_such_parameter", "1"}}, {{"no_such_parameter", ""}, {"no_such_parameter", "\x00"}}}
	if len(s.doc.parameters) > 0 {
		questions = append(questions, question{{strings.ToUpper(s.doc.parameters[0].name), noSuchName}})
	}
	for _, q := range questions {
		s.sameAs(ownUnknownParam, nil, q, "a parameter that the document does not name changes the answer")
	}
}

// allFaults sends two faults and wants both to be told.
func (s *suite) allFaults() {
	var q question
	for _, p := range s.doc.parameters {
		if p.isInteger() || p.isBoolean() || p.isEnum() {
			q = q.with(p.name, "NO-SUCH-VALUE")
		}
	}
	if len(q) < 2 {
		return
	}
	a := s.ask(s.asks(q))
	if a.status != http.StatusBadRequest {
		return // request.invalid tells it of one
	}
	told := s.client.told(a)
	j := &judgement{}
	for _, p := range q {
		j.check(ownAllFaults, strings.Contains(told, p.name), "%s is one of %d faults, and is not told: %s", p.name, len(q), told)
	}
	s.enter(j, a.request)
}

// exactness asks for variations of values that are there: other records than those of the very text must not come.
func (s *suite) exactness() {
	for _, p := range s.doc.parameters {
		if p.field == nil || !p.isText() {
			continue
		}
		if len(s.values[p.name]) == 0 {
			continue
		}
		values := s.values[p.name]
		for n, i := range s.random.Perm(len(values))[:min(len(values), 6)] {
			texts := variations(values[i])
			if n > 0 {
				texts = texts[:1] // case is what servers get wrong for some fields only
			}
			for _, like := range texts {
				if like != values[i] && p.accepts(like) && !s.isLearned(p, like) {
					s.expect(ownExact, s.asks(s.history().with(p.name, like)), p.name+" with a variation of a name", http.StatusOK)
				}
			}
		}
		// The values of other parameters are no variations.
		for _, other := range s.doc.parameters {
			values := s.values[other.name]
			if other == p {
				continue
			}
			for _, i := range s.random.Perm(len(values))[:min(len(values), 2)] {
				s.ask(s.asks(s.history().with(p.name, values[i])))
			}
		}
	}
	if len(s.met) == 0 {
		s.notJudged("there are no records", ownExact)
	}
}

// variations are texts that a server may take for the text; the first is that in the other case.
func variations(text string) []string {
	runes := []rune(text)
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, text)
	half := string(runes[:(len(runes)+1)/2])
	return []string{
		swapped, "%", "*", half + "%", half + "*", "_" + string(runes[1:]), "?" + string(runes[1:]), "." + string(runes[1:]),
		half, text + " ", " " + text, "^" + text + "$",
	}
}
