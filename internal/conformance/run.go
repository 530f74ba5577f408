package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Options say what to ask, and whom.
type Options struct {
	Target
	// Compare, if not nil, is asked the same questions.
	Compare *Target
	// Document is the OpenAPI document to hold answers against, in YAML or JSON, and DocumentName what it is called.
	Document     []byte
	DocumentName string
	// Requests is how many requests go out to URL at most; a comparison may send as many again to each of the two.
	Requests int
	// Seed decides what is left to chance: which values, which pages.
	Seed uint64
	// Strict makes faults of what breaks the rules of docs/semantics.md.
	Strict bool
	// Values are known values of parameters, for those that answers do not show.
	Values map[string][]string
	// Timeout is that of one request.
	Timeout   time.Duration
	UserAgent string
}

// DefaultRequests is enough for every chapter of the suite.
const DefaultRequests = 2000

// Run asks the server and judges its answers. An error says that there is nothing to judge: the document can't be read,
// the server can't be reached, refuses the token, or answers something else than this API; or ctx ended. A server that
// goes away while it is judged gives a report that says so.
func Run(ctx context.Context, o Options) (*Report, error) {
	started := time.Now()
	doc, err := readDocument(o.Document)
	if err != nil {
		return nil, err
	}
	for name := range o.Values {
		if doc.parameter(name) == nil {
			return nil, fmt.Errorf("a value is given for %q, which is no parameter of the document", name)
		}
	}
	c := newClient(o.Target, o.Timeout, o.UserAgent)
	defer c.close()
	s := &suite{
		ledger: newLedger(c), ctx: ctx, doc: doc, client: c, random: rand.New(rand.NewPCG(o.Seed, 0)), seed: o.Seed, strict: o.Strict,
		given: o.Values, limit: o.Requests, known: make(map[string]bool),
		learned: learned{values: make(map[string][]string), records: make(map[string]*value)},
	}
	if err := s.preflight(s.client); err != nil {
		return nil, err
	}
	s.nothingToTry()
	broke := s.run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted after %d requests", s.sent)
	}
	report := s.report(o)
	if broke != nil {
		report.Broken = broke.Error()
	} else if o.Compare != nil {
		if report.Comparison, err = s.compare(*o.Compare, o); err != nil {
			return nil, err
		}
	}
	report.Seconds = time.Since(started).Seconds()
	return report, nil
}

// nothingToTry says why rules may find nothing to be tried on.
func (s *suite) nothingToTry() {
	s.notJudged("the document requires no parameter", requestRequired)
	s.notJudged("the document requires no header", answerHeaders)
	s.notJudged("no slot was met whose newest records are of one time", ownLatestTie)
}

// preflight asks once to see whether this is a server that can be judged at all.
func (s *suite) preflight(c *client) error {
	a, err := c.send(s.ctx, s.request())
	switch {
	case s.ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("%s can't be reached: %s", c.base, c.printable(err.Error()))
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return fmt.Errorf("%s refuses the token: %s", c.base, c.told(a))
	case a.status >= 300 && a.status < 400:
		return fmt.Errorf("%s redirects to %q, and a token follows no redirect: if that is the server, name it", c.base, c.printable(a.header.Get("Location")))
	case a.status != http.StatusOK:
		return fmt.Errorf("%s answers GET %s with %s: there is nothing to judge", c.base, s.doc.path, c.told(a))
	}
	if v, _ := readJSON(a.body); readList(v) == nil {
		return fmt.Errorf("%s answers GET %s with 200, but not with a list of records; it begins with %s", c.base, s.doc.path, c.printable(quoteBody(a.body)))
	}
	return nil
}

// run goes through the chapters. An error says that the server went away.
func (s *suite) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			thrown, ok := r.(stop)
			if !ok {
				panic(r)
			}
			err = thrown.err
		}
	}()
	chapters := []struct {
		name   string
		weight int
		run    func()
	}{
		{"learning", 2, s.learn},
		{"authentication", 1, s.judgeAuthentication},
		{"parameters", 4, s.judgeParameters},
		{"pages", 6, s.judgePages},
		{"filters", 6, s.judgeFilterLaws},
		{"latest", 6, s.judgeLatest},
		{"order", 1, s.judgeOrder},
		{"routes", 1, s.judgeRoutes},
		{"what the document leaves open", 6, s.judgeOwnRequests},
	}
	weight := 0
	for _, c := range chapters {
		weight += c.weight
	}
	for _, c := range chapters {
		left := s.limit - s.sent
		// A chapter gets its share of what those before it have left; the last gets the rest.
		s.chapter(c.name, left*c.weight/weight, c.run)
		weight -= c.weight
	}
	return nil
}
