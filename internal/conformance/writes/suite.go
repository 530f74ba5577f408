package writes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// Prefix begins every name that the suite records.
const Prefix = "conform-"

// Suite is a run against one server.
type Suite struct {
	list    *spec.Document
	records *spec.Recording
	client  *client.Client
	results *report.Results

	ctx context.Context
	// err is the first error: the server went away, or ctx ended. No check counts after it.
	err error
	// run makes the names and digests of this run its own.
	run string
	// posts counts the requests that record.
	posts int
}

// New returns a suite that adds its checks to the results. The list has the operation that shows what is recorded.
func New(list *spec.Document, records *spec.Recording, c *client.Client, results *report.Results) *Suite {
	return &Suite{list: list, records: records, client: c, results: results, run: rand.Text()[:10]}
}

// Preflight returns an error if the server or the token cannot record. It records nothing.
func (s *Suite) Preflight(ctx context.Context) error {
	a, err := s.client.Send(ctx, client.Request{Path: s.records.Single.Path, Body: "{}"})
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return s.client.Explain(err)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return fmt.Errorf("%s does not let the token record: %s", s.client.Base, s.client.Summary(a))
	case a.Status < 400 && a.Status >= 300, a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed, a.Status >= 500:
		return fmt.Errorf("%s answers an empty recording, POST %s, with %s: it does not record", s.client.Base, s.records.Single.Path, s.client.Summary(a))
	}
	return nil
}

// Run runs all checks. An error means that the server went away or that ctx ended; the results so far stand.
func (s *Suite) Run(ctx context.Context) error {
	s.ctx = ctx
	for _, check := range []func(){
		s.checkInvalid, s.checkSupersede, s.checkRepeat, s.checkFill, s.checkInherit, s.checkDecommission, s.checkOrderInSlot,
		s.checkObserved, s.checkObservedEnd, s.checkFuture, s.checkConcurrent,
		s.checkBatch, s.checkRejectedBatch, s.checkSnapshot, s.checkScope, s.checkParts, s.checkContradictingParts, s.checkKeys, s.checkBatchKey,
	} {
		if check(); s.err != nil {
			return s.err
		}
	}
	return nil
}

// Posts returns the number of requests that were to record, invalid ones included.
func (s *Suite) Posts() int { return s.posts }

// Remains returns a sentence about what the run leaves on the server.
func (s *Suite) Remains() string {
	return "The names of the environments that the run recorded in begin with " + s.prefix() + ": their records remain on the server."
}

// prefix begins the names of the environments of this run.
func (s *Suite) prefix() string { return Prefix + s.run + "-" }

// send sends a request. The answer is never nil: one that did not arrive has the status 0.
func (s *Suite) send(r client.Request) *client.Answer {
	if s.err != nil {
		return &client.Answer{Request: r}
	}
	a, err := s.sendUntilNoConflict(r)
	if err != nil {
		s.fail(err)
		return &client.Answer{Request: r}
	}
	return a
}

// fail ends the run for an error of the network.
func (s *Suite) fail(err error) {
	switch {
	case err == nil || s.err != nil:
	case s.ctx.Err() != nil:
		s.err = fmt.Errorf("interrupted: %w", s.ctx.Err())
	default:
		s.err = s.client.Explain(err)
	}
}

// maxConflictPause is the longest pause before a recording is sent again after a 409.
const maxConflictPause = 2 * time.Second

// sendUntilNoConflict sends a request again after each 409, as the document demands of clients: other requests were in its way.
// The final part of a snapshot is a 409 while another part is missing.
func (s *Suite) sendUntilNoConflict(r client.Request) (*client.Answer, error) {
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		a, err := s.client.Send(s.ctx, r)
		if err != nil || a.Status != http.StatusConflict || pause > maxConflictPause || strings.Contains(r.Body, `"parts":`) {
			return a, err
		}
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
		}
	}
}

// post sends the body of a recording and checks the answer on its own.
func (s *Suite) post(operation *spec.Document, body, key string) *client.Answer {
	a := s.send(client.Request{Path: operation.Path, Body: body, Key: key})
	s.posts++
	if a.Status != 0 {
		s.checkAnswer(operation, a)
	}
	return a
}

// checkAnswer checks an answer against the document of recording and the rules of every answer.
func (s *Suite) checkAnswer(operation *spec.Document, a *client.Answer) {
	c := &report.Checks{}
	operation.Check(c, a)
	spec.CheckSemantics(c, http.MethodPost, false, a)
	s.record(c, a)
}

// record adds checks to the results. The answers reproduce findings without requests.
func (s *Suite) record(c *report.Checks, answers ...*client.Answer) {
	if s.err != nil {
		return
	}
	commands := make([]string, 0, len(answers))
	for _, a := range answers {
		commands = append(commands, a.Request.Curl(s.client.Base, client.TokenVariable))
	}
	s.results.Record(c, commands...)
}

// timeText writes a time as requests have it.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
