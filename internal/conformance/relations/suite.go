package relations

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// Options are the settings of a run.
type Options struct {
	// Requests limits the number of requests.
	Requests int
	// Seed selects values and pages.
	Seed uint64
	// Strict makes violations of docs/semantics.md faults.
	Strict bool
	// Values are known values of parameters that records do not show.
	Values map[string][]string
	// Unsupported are documented parameters that the server answers with a 501. The document of the run lacks them.
	Unsupported []*spec.Parameter
}

// Suite is a run against one server.
type Suite struct {
	Options
	doc     *spec.Document
	client  *client.Client
	random  *rand.Rand
	results *report.Results

	ctx context.Context
	// err is the first error of the phase; see the package documentation.
	err error
	// sent counts requests; limit is the maximum for the phase.
	sent, limit int
	// requests are the distinct requests in their order, seen their keys.
	requests []client.Request
	seen     map[string]bool
	// exhausted are the phases that ran out of requests.
	exhausted []string

	observations
}

var errNoRequestsLeft = errors.New("no requests left")

// New returns a suite that adds its checks to the results. The caller closes the client.
func New(doc *spec.Document, c *client.Client, results *report.Results, o Options) *Suite {
	s := &Suite{
		Options: o, doc: doc, client: c, random: rand.New(rand.NewPCG(o.Seed, 0)), results: results,
		seen: make(map[string]bool), observations: newObservations(),
	}
	s.results.NotJudged("the document requires no parameter", report.RequestRequired)
	s.results.NotJudged("the document requires no header", report.AnswerHeaders)
	s.results.NotJudged("no parameter is given as unsupported", report.OwnUnsupported)
	s.results.NotJudged("no slot was met whose newest records are of one time", report.OwnLatestTie)
	return s
}

// phase is a part of a run, with its share of the requests.
type phase struct {
	name   string
	weight int
	run    func()
}

// Run runs all phases. Each has a share of the requests that the phases before it left over. An error means that the server
// went away or that ctx ended; the results so far stand.
func (s *Suite) Run(ctx context.Context) error {
	phases := []phase{
		{"learning", 2, s.learn},
		{"authentication", 1, s.probeAuthentication},
		{"parameters", 4, s.probeParameters},
		{"pages", 6, s.checkPages},
		{"filters", 6, s.checkFilters},
		{"latest", 6, s.checkLatest},
		{"order", 1, s.checkOrder},
	}
	if !s.doc.Mapped {
		phases = append(phases, phase{"routes", 1, s.probeRoutes}, phase{"what the document leaves open", 6, s.probeSemantics})
	}
	weight := 0
	for _, p := range phases {
		weight += p.weight
	}
	s.ctx = ctx
	for _, p := range phases {
		s.limit = s.sent + (s.Requests-s.sent)*p.weight/weight
		weight -= p.weight
		s.err = nil
		p.run()
		if errors.Is(s.err, errNoRequestsLeft) {
			s.exhausted = append(s.exhausted, p.name)
		} else if s.err != nil {
			return s.err
		}
	}
	return nil
}

// Sent returns the distinct requests of the run, in their order.
func (s *Suite) Sent() []client.Request { return s.requests }

// Request returns a request for the list with the token. It adds the parameters that the document requires.
func (s *Suite) Request(pairs ...string) client.Request {
	return s.requestFor(client.Query(nil).With(pairs...))
}

func (s *Suite) requestFor(q client.Query) client.Request {
	for _, p := range s.doc.Parameters {
		if p.Required && !q.Has(p.Name) {
			q = q.With(p.Name, s.anyValue(p))
		}
	}
	return client.NewRequest(s.doc.Path, q)
}

// anyValue returns a value that a parameter accepts.
func (s *Suite) anyValue(p *spec.Parameter) string {
	for _, candidate := range slices.Concat(s.known(p.Name), p.Enum(), []string{"1", "true", "any", "0", "2026-01-01T00:00:00Z"}) {
		if p.Accepts(candidate) {
			return candidate
		}
	}
	return ""
}

// get sends a query for the list and checks the answer; see ask. It does not send a query for a page or a size that the document
// forbids: the answer is then as one that did not arrive.
func (s *Suite) get(q client.Query) *client.Answer {
	r := s.requestFor(q)
	if !s.allowsPages(q) {
		return &client.Answer{Request: r}
	}
	return s.ask(r)
}

// ask sends a request and checks the answer on its own. A finding is shown with the smallest request that reproduces it. The
// answer is never nil: one that did not arrive has the status 0.
func (s *Suite) ask(r client.Request) *client.Answer {
	a := s.send(r)
	if a == nil {
		return &client.Answer{Request: r}
	}
	c := s.checkAnswer(a)
	if len(c.Broken) > 0 {
		s.shrink(r, c)
	}
	s.record(c, a)
	return a
}

// send sends a request without checking the answer. It returns nil after an error, and if the connection breaks although
// the server answers others, which is a fault.
func (s *Suite) send(r client.Request) *client.Answer {
	if s.err == nil && s.sent >= s.limit {
		s.err = errNoRequestsLeft
	}
	if s.err != nil {
		return nil
	}
	s.sent++
	if key := fmt.Sprint(r.Credentials, r.Path, r.RawQuery); !s.seen[key] {
		s.seen[key] = true
		s.requests = append(s.requests, r)
	}
	a, err := s.client.Send(s.ctx, r)
	if err != nil && s.ctx.Err() == nil && !client.IsBusy(err) {
		a, err = s.client.Send(s.ctx, r) // a network may fail once
	}
	if s.ctx.Err() != nil {
		s.err = fmt.Errorf("interrupted: %w", s.ctx.Err())
		return nil
	}
	if err != nil {
		gone := err
		if !client.IsBusy(err) {
			_, gone = s.client.Send(s.ctx, s.Request())
		}
		if gone != nil {
			s.err = s.client.Explain(gone)
			return nil
		}
	}
	s.check(report.AnswerComplete, &client.Answer{Request: r}, err == nil, "no answer: %v", err)
	return a
}

// checkAnswer checks everything that one answer shows, and reads its list.
func (s *Suite) checkAnswer(a *client.Answer) *report.Checks {
	c := &report.Checks{}
	isList := a.Request.Path == s.doc.Path
	if isList {
		s.doc.Check(c, a)
	}
	if !s.doc.Mapped {
		spec.CheckSemantics(c, http.MethodGet, isList, a)
	}
	if !isList {
		return c
	}
	if a.Status == http.StatusOK {
		a.List = s.doc.Layout.ReadList(a.Value)
	}
	if len(a.Request.Query) > 0 {
		if a.Request.Credentials == client.WithToken && !s.usesUnsupported(a.Request) {
			c.Check(report.RequestValid, a.Status < http.StatusInternalServerError, "a request that fits the document is answered with %s", s.client.Summary(a))
		}
		if a.List != nil {
			s.checkList(c, a)
		}
	}
	if a.Status == http.StatusBadRequest && !s.doc.Mapped {
		s.checkErrorDetails(c, a)
	}
	return c
}

// usesUnsupported reports whether the request has a parameter that the server is known not to implement.
func (s *Suite) usesUnsupported(r client.Request) bool {
	return slices.ContainsFunc(s.Unsupported, func(p *spec.Parameter) bool { return r.Query.Has(p.Name) })
}

// expect sends a request and requires one of the statuses.
func (s *Suite) expect(rule *report.Rule, r client.Request, why string, want ...int) *client.Answer {
	a := s.ask(r)
	if a.Status != 0 {
		s.check(rule, a, slices.Contains(want, a.Status), "%s is answered with %s, not %d", why, s.client.Summary(a), want[0])
	}
	return a
}

// check records one check of an answer.
func (s *Suite) check(rule *report.Rule, a *client.Answer, ok bool, format string, args ...any) {
	c := &report.Checks{}
	c.Check(rule, ok, format, args...)
	s.record(c, a)
}

// record adds checks to the results, unless the phase has ended. The answers reproduce findings without requests.
func (s *Suite) record(c *report.Checks, answers ...*client.Answer) {
	if s.err == nil {
		s.results.Record(c, s.commands(answers...)...)
	}
}

// commands returns the distinct commands that send the requests of answers again.
func (s *Suite) commands(answers ...*client.Answer) (commands []string) {
	for _, a := range answers {
		if command := a.Request.Curl(s.client.Base, client.TokenVariable); !slices.Contains(commands, command) {
			commands = append(commands, command)
		}
	}
	return commands
}

// notJudged sets the reason why rules may remain untried.
func (s *Suite) notJudged(why string, rules ...*report.Rule) {
	if s.err == nil {
		s.results.NotJudged(why, rules...)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
