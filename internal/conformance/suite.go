package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
)

// suite is a run against one server.
type suite struct {
	*ledger
	ctx    context.Context
	doc    *document
	client *client
	random *rand.Rand
	seed   uint64
	strict bool
	given  map[string][]string

	// sent counts requests; none goes out beyond limit.
	sent, limit int
	// asked are the distinct requests, for a comparison, and known says which those are.
	asked []request
	known map[string]bool
	// cut are the chapters that the number of requests ended.
	cut []string

	learned
}

// stop ends a chapter, or the run: it is thrown by ask, so that a law reads as what it asks and what it wants.
type stop struct{ err error }

var errBudget = errors.New("the number of requests is used up")

// chapter runs part of the suite within its share of the requests that are left.
func (s *suite) chapter(name string, share int, run func()) {
	whole := s.limit
	s.limit = min(whole, s.sent+share)
	defer func() {
		s.limit = whole
		if r := recover(); r != nil {
			thrown, ok := r.(stop)
			if !ok || !errors.Is(thrown.err, errBudget) {
				panic(r)
			}
			s.cut = append(s.cut, name)
		}
	}()
	run()
}

// send asks without judging. It throws stop if the requests are used up or the server is gone; a request that breaks off
// while others are answered is a fault of the server, and nil.
func (s *suite) send(r request) *answer {
	if s.sent >= s.limit {
		panic(stop{errBudget})
	}
	s.sent++
	if key := fmt.Sprint(r.credentials, r.path, r.query); !s.known[key] {
		s.known[key] = true
		s.asked = append(s.asked, r)
	}
	a, err := s.client.send(s.ctx, r)
	if err != nil && s.ctx.Err() == nil {
		a, err = s.client.send(s.ctx, r) // networks fail once in a while
	}
	if s.ctx.Err() != nil {
		panic(stop{fmt.Errorf("interrupted: %w", s.ctx.Err())})
	}
	if err != nil {
		if _, gone := s.client.send(s.ctx, s.request()); gone != nil {
			panic(stop{fmt.Errorf("%s can't be reached: %s", s.client.base, s.client.printable(gone.Error()))})
		}
		s.enter(&judgement{tried: []*Rule{answerComplete}, broken: []finding{{rule: answerComplete, text: "no answer: " + err.Error()}}}, r)
		return nil
	}
	s.enter(&judgement{tried: []*Rule{answerComplete}})
	return a
}

// request asks the list, with the token.
func (s *suite) request(pairs ...string) request { return s.asks(question(nil).with(pairs...)) }

// asks makes the request of a question. What the document requires and the question lacks is added.
func (s *suite) asks(q question) request {
	for _, p := range s.doc.parameters {
		if _, ok := q.get(p.name); p.required && !ok {
			q = q.with(p.name, s.anyValue(p))
		}
	}
	return request{path: s.doc.path, query: q.encode(), asked: q}
}

// odd is a request whose question not everyone reads in the same way: what its list should have is not judged.
func (r request) odd() request {
	r.asked = nil
	return r
}

// ask sends a request and judges what its answer says by itself. A fault is told with the smallest request that shows
// it. The answer is never nil: one that did not come has the status 0.
func (s *suite) ask(r request) *answer {
	a := s.send(r)
	if a == nil {
		return &answer{request: r}
	}
	j := s.judge(a)
	if len(j.broken) > 0 {
		s.shrink(r, j)
	}
	s.enter(j, r)
	return a
}

// judge holds one answer against all that can be said of it alone, and reads its list.
func (s *suite) judge(a *answer) *judgement {
	j := &judgement{}
	isList := a.request.path == s.doc.path
	if isList {
		a.value = s.doc.judge(j, a.status, a.header, a.body)
	} else {
		a.value, _ = readJSON(a.body)
	}
	judgeOwnHeaders(j, a.status, a.header)
	judgeOwnBody(j, isList, a.status, a.value, a.body)
	if isList && a.status == http.StatusOK {
		a.list = readList(a.value)
	}
	if a.request.asked != nil && a.request.credentials == withToken && isList {
		j.check(requestValid, a.status < http.StatusInternalServerError, "a request that fits the document is answered with %s", s.client.told(a))
	}
	if a.list != nil && a.request.asked != nil {
		s.judgeList(j, a)
	}
	if isList && a.status == http.StatusBadRequest {
		s.judgeDetails(j, a)
	}
	return j
}

// shrink finds, for each fault of an answer that is the first of its rule, the smallest question that shows it: none at
// all, or the question without one of its parameters, and so on.
func (s *suite) shrink(r request, j *judgement) {
	for i := range j.broken {
		f := &j.broken[i]
		if len(s.outcomes[f.rule].faults) > 0 || f.rule.Basis == Own && !s.strict || len(r.asked) == 0 {
			continue
		}
		smallest := r
		shows := func(q question) bool {
			smaller := s.asks(q)
			smaller.credentials = r.credentials
			if smaller.query == smallest.query || s.sent >= s.limit {
				return false // the fault must be told, if not with the smallest request
			}
			a := s.send(smaller)
			if a == nil {
				return false
			}
			for _, again := range s.judge(a).broken {
				if again.rule == f.rule {
					smallest, f.text = smaller, again.text
					return true
				}
			}
			return false
		}
		if !shows(nil) && len(r.asked) > 1 {
			for i := 0; i < len(smallest.asked); {
				if len(smallest.asked) == 1 || !shows(smallest.asked.without(i)) {
					i++
				}
			}
		}
		f.show = []request{smallest}
	}
}

// expect asks and wants one of the statuses.
func (s *suite) expect(rule *Rule, r request, why string, want ...int) *answer {
	a := s.ask(r)
	if a.status == 0 {
		return a
	}
	j := &judgement{}
	j.check(rule, slices.Contains(want, a.status), "%s is answered with %s, not %d", why, s.client.told(a), want[0])
	s.enter(j, r)
	return a
}

// anyValue is a value that a parameter surely takes.
func (s *suite) anyValue(p *parameter) string {
	known := append(slices.Clone(s.given[p.name]), s.values[p.name]...)
	candidates := append(append(known, p.enum()...), "1", "true", "any", "0")
	for _, candidate := range candidates {
		if p.accepts(candidate) {
			return candidate
		}
	}
	return ""
}
