// Package conformance checks a server of GET /v1/deployments over HTTP. It checks answers against the OpenAPI document,
// against metamorphic relations, and against the rules of docs/semantics.md for points that the document leaves open.
//
// It sends GET requests, and records only with Options.Write. It follows no redirect, and sends each token only to the server that
// it is for. It needs no knowledge of the data.
//
//   - spec reads the document and checks single answers.
//   - client sends requests and reads answers.
//   - relations runs probes and metamorphic relations.
//   - tokens compares what several tokens see.
//   - writes records and checks what becomes of it.
//   - report holds rules and results, and writes the report.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/relations"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
	"github.com/deployrecords/deployrecords/internal/conformance/tokens"
	"github.com/deployrecords/deployrecords/internal/conformance/writes"
)

// DefaultRequests is enough for every phase.
const DefaultRequests = 2000

// Prefix begins every name that a run records.
const Prefix = writes.Prefix

// TokenKinds are the kinds of further tokens.
var TokenKinds = tokens.Kinds

// Target is a server and its token.
type Target = client.Target

// Formats are the formats of a report.
var Formats = report.Formats

// Options are the settings of a run.
type Options struct {
	Target
	// Compare, if not nil, gets the same requests.
	Compare *Target
	// Document is an OpenAPI document in YAML or JSON, DocumentName its name in the report.
	Document     []byte
	DocumentName string
	// Mapping, if not nil, is a mapping in YAML: the run judges another list than that of deployment records.
	Mapping []byte
	// Requests limits the requests to the target. A comparison may send as many again to each server.
	Requests int
	// Seed selects values and pages.
	Seed uint64
	// Strict makes violations of docs/semantics.md faults.
	Strict bool
	// Values are known values of parameters that answers do not show.
	Values map[string][]string
	// Unsupported names parameters of the document that the target is known to answer with a 501. No other rule is tried
	// with them.
	Unsupported []string
	// Write lets the run record with the token, under names that begin with [Prefix], and judge the rules of recording too.
	// These requests are not limited.
	Write bool
	// RecordingDocument is the OpenAPI document of the operations that record.
	RecordingDocument []byte
	// OtherTokens are tokens for the target by their kind, one of [TokenKinds].
	OtherTokens map[string]string
	// Timeout is that of one request.
	Timeout   time.Duration
	UserAgent string
}

// Run judges the target. It returns an error if there is nothing to judge: the document is unreadable, the server is
// unreachable, rejects the token or answers without a list; or if ctx ended. A server that goes away later is an entry in
// the report.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	started := time.Now()
	doc, err := o.document()
	if err != nil {
		return nil, err
	}
	for name := range o.Values {
		if doc.Parameter(name) == nil {
			return nil, fmt.Errorf("a value is given for %q, which is no parameter of the document", name)
		}
	}
	var unsupported []*spec.Parameter
	for _, name := range o.Unsupported {
		p := doc.Remove(name)
		if p == nil {
			return nil, fmt.Errorf("%q is given as unsupported, and is no parameter of the document", name)
		}
		unsupported = append(unsupported, p)
	}
	c := client.New(o.Target, o.Timeout, o.UserAgent)
	defer c.Close()
	others := o.otherClients()
	for _, other := range others {
		defer other.Close()
	}
	results := report.NewResults(printable(c, others), o.bases()...)
	s := relations.New(doc, c, results, relations.Options{Requests: o.Requests, Seed: o.Seed, Strict: o.Strict, Values: o.Values, Unsupported: unsupported})
	if err := preflight(ctx, doc, c, s.Request()); err != nil {
		return nil, err
	}
	var other *client.Client // that of Compare
	if o.Compare != nil {
		other = client.New(*o.Compare, o.Timeout, o.UserAgent)
		defer other.Close()
		if err := preflight(ctx, doc, other, s.Request()); err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
	}
	phases := []func(context.Context) error{s.Run}
	var recorder *writes.Suite
	if o.Write || len(others) > 0 {
		records, err := spec.ReadRecording(o.RecordingDocument)
		if err != nil {
			return nil, err
		}
		if len(others) > 0 {
			phases = append(phases, tokens.New(doc, records, c, others, firstOf(o.Values["project_name"]), results).Run)
		}
		if o.Write {
			recorder = writes.New(doc, records, c, results)
			if err := recorder.Preflight(ctx); err != nil {
				return nil, err
			}
			phases = append(phases, recorder.Run)
		}
	}
	var gone error
	for _, phase := range phases {
		if gone = phase(ctx); gone != nil {
			break
		}
	}
	r := s.Report()
	if gone == nil && other != nil {
		requests := s.Sent()
		if r.Comparison, err = compare(ctx, &doc.Layout, c, other, requests[:min(len(requests), o.Requests)]); err != nil {
			gone = fmt.Errorf("compare: %w", err)
		}
	}
	interrupted := fmt.Sprintf("interrupted after %d requests", r.Requests)
	if recorder != nil && recorder.Posts() > 0 {
		r.Data.Recordings = recorder.Posts()
		r.Remarks = append(r.Remarks, recorder.Remains())
		interrupted += ". " + recorder.Remains()
	}
	if ctx.Err() != nil {
		return nil, errors.New(interrupted)
	}
	r.URL, r.Document, r.Digest = c.Base, o.DocumentName, doc.Digest
	if gone != nil {
		r.Broken = gone.Error()
	}
	r.Seconds = time.Since(started).Seconds()
	return r, nil
}

// document reads the document, and the mapping if there is one.
func (o *Options) document() (*spec.Document, error) {
	if o.Mapping == nil {
		return spec.Read(o.Document, nil)
	}
	if o.Strict || o.Write || len(o.OtherTokens) > 0 {
		return nil, errors.New("with a mapping, the rules of docs/semantics.md, of recording and of several tokens do not apply")
	}
	mapping, err := spec.ReadMapping(o.Mapping)
	if err != nil {
		return nil, err
	}
	return spec.Read(o.Document, mapping)
}

// bases returns the bases of the rules that the run tries.
func (o *Options) bases() []report.Basis {
	bases := []report.Basis{report.Document, report.Relation}
	if o.Mapping == nil {
		bases = append(bases, report.Own)
	}
	if o.Write {
		bases = append(bases, report.Recording)
	}
	if len(o.OtherTokens) > 0 {
		bases = append(bases, report.Tokens)
	}
	return bases
}

// otherClients returns a client for each of the further tokens.
func (o *Options) otherClients() map[string]*client.Client {
	clients := make(map[string]*client.Client)
	for kind, token := range o.OtherTokens {
		clients[kind] = client.New(Target{URL: o.URL, Token: token}, o.Timeout, o.UserAgent)
	}
	return clients
}

// printable removes every token from a text, and then shortens it.
func printable(first *client.Client, others map[string]*client.Client) func(string) string {
	return func(text string) string {
		for _, other := range others {
			text = other.WithoutToken(text)
		}
		return first.Printable(text)
	}
}

func firstOf(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

// preflight sends one request to see whether the server can be judged.
func preflight(ctx context.Context, doc *spec.Document, c *client.Client, r client.Request) error {
	a, err := c.Send(ctx, r)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return c.Explain(err)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return fmt.Errorf("%s refuses the token: %s", c.Base, c.Summary(a))
	case a.Status >= 300 && a.Status < 400:
		return fmt.Errorf("%s redirects to %q, and a token follows no redirect: if that is the server, name it", c.Base, c.Printable(a.Header.Get("Location")))
	case a.Status != http.StatusOK:
		return fmt.Errorf("%s answers GET %s with %s: there is nothing to judge", c.Base, r.Path, c.Summary(a))
	case doc.Layout.ReadList(a.Value) == nil:
		return fmt.Errorf("%s answers GET %s with 200, but not with a list of records; it begins with %s", c.Base, r.Path, c.Printable(client.Quote(string(a.Body))))
	}
	return nil
}
