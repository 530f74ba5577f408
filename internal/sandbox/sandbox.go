// Package sandbox has servers in memory that tests steer: each with records, a clock, an organization, tokens, faults and a
// journal of its own.
package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/journal"
	"github.com/deployrecords/deployrecords/internal/store"
)

// Options configures a sandbox.
type Options struct {
	Organization string
	// Files have the records of the start.
	Files []fixture.File
	// Now stops the clock; the zero time is the real clock.
	Now time.Time
	// Seed selects generated ids and random delays.
	Seed int64
	// Operations are those of the server, for errors and examples.
	Operations faults.Operations
	// NewHandler makes the handler of the sandbox's server; nil is httpserver.New.
	NewHandler NewHandler
	// Journals and Records, if not nil, are the budgets of the journal and of the records.
	Journals *journal.Budget
	Records  *Budget
}

// NewHandler makes the handler of a server with these options.
type NewHandler func(httpserver.Options) (http.Handler, error)

// Sandbox is a server without a listener.
type Sandbox struct {
	Organization string
	Seed         int64
	// URL is where the sandbox listens, and Token may read and record there. The caller that serves the sandbox sets them.
	URL, Token string
	Issuer     Issuer
	Clock      *Clock
	Store      *Store
	Faults     *faults.Set
	Journal    *journal.Journal
}

// New returns a sandbox with the records of the start. An error about them is a *fixture.FileError, or a 429 if the budget has no
// place for them.
func New(ctx context.Context, o Options) (*Sandbox, error) {
	if !o.Now.IsZero() {
		if err := CheckYear(o.Now); err != nil {
			return nil, ViolationsError{{Field: "now", Message: err.Error()}}
		}
	}
	release, err := o.Records.holdFiles(o.Files...)
	if err != nil {
		return nil, err
	}
	defer release()
	clock := NewClock(o.Now.UTC().Truncate(time.Microsecond))
	s, err := newStore(ctx, func(ctx context.Context) (*store.Store, error) {
		return fixture.OpenSeeded(ctx, o.Organization, o.Files, clock.Now, o.Seed)
	})
	if err != nil {
		return nil, err
	}
	var files int64 // they are kept for resets
	for _, file := range o.Files {
		files += int64(len(file.Data))
	}
	s.share(ctx, o.Records, files)
	return &Sandbox{
		Organization: o.Organization, Seed: o.Seed, Clock: clock, Store: s,
		Faults: faults.NewSet(o.Seed, o.Operations), Journal: &journal.Journal{Budget: o.Journals},
	}, nil
}

// newIssuer makes the sandbox issue tokens that no other sandbox accepts. They have the organization as their audience.
func (s *Sandbox) newIssuer() error {
	request := auth.MintRequest{Organization: s.Organization, Audience: s.Organization, Subject: "test"}
	secret, token, err := fixture.Token(request)
	s.Issuer, s.Token = Issuer{secret, request}, token
	return err
}

// Configure completes the options of the sandbox's server. It removes the limit of connections: what limits them hides the
// connections that a fault resets. Pages may send the header Prefer.
func (s *Sandbox) Configure(o *httpserver.Options) {
	o.Store, o.Now, o.Intercept = s.Store, s.Clock.Now, faults.Intercept
	o.CORSHeaders = []string{"Prefer"}
	o.Limits.Connections = 0
}

// Handler returns the server that options by Configure result in, with the faults and the journal of the sandbox.
func (s *Sandbox) Handler(server http.Handler) http.Handler {
	return s.Journal.Handler(s.Store.handler(s.Faults.Handler(server)))
}

// Reset restores the start: the records, generated ids and the clock. It removes the faults and clears the journal. Tokens
// stay valid. Requests that have begun record nothing after it, and the journal does not get them.
func (s *Sandbox) Reset(ctx context.Context) error {
	s.Faults.Reset()
	s.Clock.reset()
	if err := s.Store.replace(ctx); err != nil {
		return err
	}
	s.Journal.Clear()
	return nil
}

// Load imports a file. An error about it is a *fixture.FileError, and then nothing is imported. It is a 429 if the budget has no
// place for the records.
func (s *Sandbox) Load(ctx context.Context, file fixture.File) (deployments.ImportSummary, error) {
	release, err := s.Store.budget.holdFiles(file)
	if err != nil {
		return deployments.ImportSummary{}, err
	}
	defer release()
	return fixture.Import(ctx, s.Store, s.Organization, file, s.Clock.Now)
}
