// Package conformance checks a server of GET /v1/deployments over HTTP. It checks answers against the OpenAPI document,
// against metamorphic relations, and against the rules of docs/semantics.md for points that the document leaves open.
//
// It sends GET requests, follows no redirect, and sends each token only to the server that it is for. It needs no knowledge
// of the data.
//
//   - spec reads the document and checks single answers.
//   - client sends requests and reads answers.
//   - relations runs probes and metamorphic relations.
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
)

// DefaultRequests is enough for every phase.
const DefaultRequests = 2000

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
	// Timeout is that of one request.
	Timeout   time.Duration
	UserAgent string
}

// Run judges the target. It returns an error if there is nothing to judge: the document is unreadable, the server is
// unreachable, rejects the token or answers without a list; or if ctx ended. A server that goes away later is an entry in
// the report.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	started := time.Now()
	doc, err := spec.Read(o.Document)
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
	s := relations.New(doc, c, relations.Options{Requests: o.Requests, Seed: o.Seed, Strict: o.Strict, Values: o.Values, Unsupported: unsupported})
	if err := preflight(ctx, c, s.Request()); err != nil {
		return nil, err
	}
	gone := s.Run(ctx)
	r := s.Report()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted after %d requests", r.Requests)
	}
	r.URL, r.Document, r.Digest = c.Base, o.DocumentName, doc.Digest
	if gone != nil {
		r.Broken = gone.Error()
	} else if o.Compare != nil {
		other := client.New(*o.Compare, o.Timeout, o.UserAgent)
		defer other.Close()
		if err := preflight(ctx, other, s.Request()); err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
		requests := s.Sent()
		if r.Comparison, err = compare(ctx, c, other, requests[:min(len(requests), o.Requests)]); err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
	}
	r.Seconds = time.Since(started).Seconds()
	return r, nil
}

// preflight sends one request to see whether the server can be judged.
func preflight(ctx context.Context, c *client.Client, r client.Request) error {
	a, err := c.Send(ctx, r)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("%s can't be reached: %s", c.Base, c.Printable(err.Error()))
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return fmt.Errorf("%s refuses the token: %s", c.Base, c.Summary(a))
	case a.Status >= 300 && a.Status < 400:
		return fmt.Errorf("%s redirects to %q, and a token follows no redirect: if that is the server, name it", c.Base, c.Printable(a.Header.Get("Location")))
	case a.Status != http.StatusOK:
		return fmt.Errorf("%s answers GET %s with %s: there is nothing to judge", c.Base, r.Path, c.Summary(a))
	case client.ReadList(a.Value) == nil:
		return fmt.Errorf("%s answers GET %s with 200, but not with a list of records; it begins with %s", c.Base, r.Path, c.Printable(client.Quote(string(a.Body))))
	}
	return nil
}
