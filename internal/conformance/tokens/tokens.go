// Package tokens judges what a server answers to tokens that differ from that of the run: expired ones, and ones with other
// scopes, with a project or of another organization. It sends the same requests with two tokens and compares the answers.
package tokens

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// Kinds of tokens.
const (
	Expired      = "expired"
	NoScope      = "no-scope"
	ReadOnly     = "read-only"
	WriteOnly    = "write-only"
	Project      = "project"
	Organization = "organization"
)

// Kinds are the kinds of tokens that the suite judges.
var Kinds = []string{Expired, NoScope, ReadOnly, WriteOnly, Project, Organization}

// rules has the rules of each kind.
var rules = map[string][]*report.Rule{
	Expired:      {report.TokensExpired},
	NoScope:      {report.TokensNoScope},
	ReadOnly:     {report.TokensReadOnly},
	WriteOnly:    {report.TokensWriteOnly},
	Project:      {report.TokensProject, report.TokensProjectRecords},
	Organization: {report.TokensOrganization, report.TokensHidden},
}

// Suite is a run against one server.
type Suite struct {
	list *spec.Document
	// records has the operations that record.
	records *spec.Recording
	// first has the token of the run, others those of other kinds.
	first   *client.Client
	others  map[string]*client.Client
	project string
	results *report.Results

	ctx context.Context
	err error // the first error: the server went away, or ctx ended
}

// New returns a suite that adds its checks to the results. The project is that of the token with a project, or "" if the
// token's claim names it. The caller closes the clients.
func New(list *spec.Document, records *spec.Recording, first *client.Client, others map[string]*client.Client, project string, results *report.Results) *Suite {
	for _, kind := range Kinds {
		if others[kind] == nil {
			results.NotJudged("there is no token of the kind "+kind, rules[kind]...)
		}
	}
	return &Suite{list: list, records: records, first: first, others: others, project: project, results: results}
}

// Run runs all checks. An error means that the server went away or that ctx ended; the results so far stand.
func (s *Suite) Run(ctx context.Context) error {
	s.ctx = ctx
	checks := map[string]func(){
		Expired:      func() { s.requireRefused(Expired, report.TokensExpired, http.StatusUnauthorized, s.reads()) },
		NoScope:      func() { s.requireRefused(NoScope, report.TokensNoScope, http.StatusForbidden, s.reads()) },
		WriteOnly:    func() { s.requireRefused(WriteOnly, report.TokensWriteOnly, http.StatusForbidden, s.reads()) },
		ReadOnly:     s.checkReadOnly,
		Project:      s.checkProject,
		Organization: s.checkOrganization,
	}
	for _, kind := range slices.Sorted(maps.Keys(s.others)) {
		if checks[kind](); s.err != nil {
			return s.err
		}
	}
	return nil
}

// reads are requests for the list: a valid one and, as authorization runs before validation, an invalid one.
func (s *Suite) reads() []client.Request {
	requests := []client.Request{s.request()}
	for _, p := range s.list.Parameters {
		if p.IsInteger() || p.IsBoolean() || p.IsEnum() {
			return append(requests, s.request(p.Name, "NO-SUCH-VALUE"))
		}
	}
	return requests
}

// recordings are requests to record, which would record nothing: their bodies are invalid.
func (s *Suite) recordings() []client.Request {
	return []client.Request{{Path: s.records.Single.Path, Body: "{}"}, {Path: s.records.Batch.Path, Body: "{}"}}
}

func (s *Suite) request(pairs ...string) client.Request {
	return client.NewRequest(s.list.Path, client.Query(nil).With(pairs...))
}

// answer is the answer to a request with the token of a kind, or with that of the run if the kind is "".
type answer struct {
	kind string
	*client.Answer
}

// send sends a request with the token of a kind. The answer is never nil: one that did not arrive has the status 0.
func (s *Suite) send(kind string, r client.Request) answer {
	c := s.first
	if kind != "" {
		c = s.others[kind]
	}
	if s.err != nil {
		return answer{kind, &client.Answer{Request: r}}
	}
	a, err := c.Send(s.ctx, r)
	if err != nil {
		s.err = errors.New("interrupted")
		if s.ctx.Err() == nil {
			s.err = c.Explain(err)
		}
		return answer{kind, &client.Answer{Request: r}}
	}
	a.List = s.list.Layout.ReadList(a.Value)
	return answer{kind, a}
}

// check records one check of answers.
func (s *Suite) check(rule *report.Rule, ok bool, answers []answer, format string, args ...any) {
	if s.err != nil {
		return
	}
	c := &report.Checks{}
	c.Check(rule, ok, format, args...)
	var commands []string
	for _, a := range answers {
		variable := client.TokenVariable
		if a.kind != "" {
			variable += "_" + strings.ToUpper(strings.ReplaceAll(a.kind, "-", "_"))
		}
		commands = append(commands, a.Request.Curl(s.first.Base, variable))
	}
	s.results.Record(c, commands...)
}

// requireRefused requires a status and the challenge that belongs to it.
func (s *Suite) requireRefused(kind string, rule *report.Rule, status int, requests []client.Request) {
	challenge := "invalid_token"
	if status == http.StatusForbidden {
		challenge = "insufficient_scope"
	}
	for _, r := range requests {
		a := s.send(kind, r)
		s.check(rule, a.Status == status, []answer{a}, "the token of the kind %s is answered with %s, not %d", kind, s.first.Summary(a.Answer), status)
		if a.Status == status {
			got := client.Quote(strings.Join(a.Header.Values("WWW-Authenticate"), ", "))
			s.check(report.TokensChallenge, client.HasBearerChallenge(a.Header, challenge), []answer{a}, "with status %d, WWW-Authenticate is %s, not Bearer with the error %q", status, got, challenge)
		}
	}
}

// requireNoRecording requires a token to be refused if it records. A server without the operations is not judged.
func (s *Suite) requireNoRecording(kind string, rule *report.Rule) {
	if a := s.send("", s.recordings()[0]); a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed || a.Status == http.StatusNotImplemented {
		s.results.NotJudged("the server has no operation that records", rule)
		return
	}
	s.requireRefused(kind, rule, http.StatusForbidden, s.recordings())
}

func (s *Suite) checkReadOnly() {
	a := s.send(ReadOnly, s.request())
	s.check(report.TokensReadOnly, a.Status == http.StatusOK, []answer{a}, "a token that may read is answered with %s", s.first.Summary(a.Answer))
	s.requireNoRecording(ReadOnly, report.TokensReadOnly)
}
