package deployrecordstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// SandboxServer is a Server that the test steers: it makes requests fail, moves the clock, and reads what the server received.
// Requests can also select an answer by themselves, with the header "Prefer: code=503" for example.
type SandboxServer struct {
	*Server
	sandbox *sandbox.Sandbox
	// fatal ends the test, or panics without one.
	fatal func(error)
}

// The documents are read once: that takes longer than starting a server.
var (
	documents = sync.OnceValues(func() (*openapi.Documents, error) {
		return openapi.ReadDocuments(deployrecords.OpenAPI(), contract.RecordingOpenAPI())
	})
	operations = sync.OnceValues(func() (faults.Operations, error) {
		return faults.ReadOperations(deployrecords.OpenAPI(), contract.RecordingOpenAPI())
	})
)

// Sandbox starts a server that the test steers, and closes it when the test and its subtests are done. It takes the options of
// Start, and WithSeed.
func Sandbox(t testing.TB, options ...Option) *SandboxServer {
	t.Helper()
	s, err := startSandbox(t.Output(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.fatal = func(err error) {
		t.Helper()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// NewSandbox does what Sandbox does without a test. The caller closes the server. Methods that would end the test panic.
func NewSandbox(options ...Option) (*SandboxServer, error) {
	s, err := startSandbox(io.Discard, options)
	if err == nil {
		s.fatal = func(err error) { panic(err) }
	}
	return s, err
}

func startSandbox(log io.Writer, given []Option) (*SandboxServer, error) {
	c, err := configure(given)
	if err != nil {
		return nil, err
	}
	read, documentsErr := documents()
	static, operationsErr := operations()
	if err := errors.Join(documentsErr, operationsErr); err != nil {
		return nil, fmt.Errorf("deployrecordstest: %w", err)
	}
	var start time.Time
	if c.now != nil {
		start = c.now()
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	options := settings(logger)
	options.Documents = read
	s, err := sandbox.Start(context.Background(), sandbox.Options{
		Organization: fixture.Organization, Files: c.files, Now: start, Seed: c.seed, Operations: static,
	}, options, "127.0.0.1")
	if err != nil {
		return nil, fmt.Errorf("deployrecordstest: %w", err)
	}
	return &SandboxServer{Server: newServer(s.URL, s.Token, s.Close), sandbox: s.Sandbox}, nil
}

// WithSeed makes a sandbox generate other ids and draw other random delays than without it. Start ignores it.
func WithSeed(seed int64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

// Fail makes requests fail until the fault is used up or Reset is called. A request has at most one fault: the first of those
// that match it. An invalid fault ends the test.
func (s *SandboxServer) Fail(f Fault) {
	fault := f.internal()
	if violations := s.sandbox.Faults.Check(&fault); len(violations) > 0 {
		s.fatal(fmt.Errorf("deployrecordstest: Fail: %w", sandbox.ViolationsError(violations)))
		return
	}
	if _, err := s.sandbox.Faults.Add(fault); err != nil {
		s.fatal(fmt.Errorf("deployrecordstest: Fail: %w", err))
	}
}

// Recover removes all faults, and ends the delays of running requests.
func (s *SandboxServer) Recover() { s.sandbox.Faults.Clear() }

// Reset restores the records and the clock of the start, forgets generated ids, removes the faults and clears the journal. The
// URL and all tokens stay.
func (s *SandboxServer) Reset() {
	if err := s.sandbox.Reset(context.Background()); err != nil {
		s.fatal(fmt.Errorf("deployrecordstest: Reset: %w", err))
	}
}

// Load adds the records of NDJSON, as `deployrecords import` reads it. An error names its lines and fields, and then nothing is
// added.
func (s *SandboxServer) Load(ndjson []byte) error {
	_, err := s.sandbox.Load(context.Background(), fixture.File{Name: "Load", Data: bytes.Clone(ndjson)})
	return err
}

// SetNow stops the clock at a time in the years 1970 to 9998. Another year ends the test.
func (s *SandboxServer) SetNow(now time.Time) {
	if err := s.sandbox.Clock.Set(now); err != nil {
		s.fatal(fmt.Errorf("deployrecordstest: SetNow: %w", err))
	}
}

// Advance moves the clock forward, whether or not it stands still. A duration that is not positive ends the test.
func (s *SandboxServer) Advance(by time.Duration) {
	if err := s.sandbox.Clock.Advance(by); err != nil {
		s.fatal(fmt.Errorf("deployrecordstest: Advance: %w", err))
	}
}

// TokenOptions describe a token. The zero value is a token that may read for an hour.
type TokenOptions struct {
	// Scopes are deployments:read, deployments:write, or both. Without any, the token may read.
	Scopes []string
	// Project is the only project whose records the token reads. It cannot record then.
	Project string
	// TTL is how long the token is valid, by the real time.
	TTL time.Duration
	// Broken breaks the token on purpose: "expired", "wrong-key" and "wrong-audience" are a 401, "no-scope" is a 403.
	Broken string
}

// Mint returns another token for the server. Invalid options end the test.
func (s *SandboxServer) Mint(o TokenOptions) string {
	request := sandbox.TokenRequest{Project: o.Project, TTL: o.TTL, Broken: sandbox.Breakage(o.Broken)}
	for _, scope := range o.Scopes {
		request.Scopes = append(request.Scopes, auth.Scope(scope))
	}
	token, err := s.sandbox.Issuer.Mint(request)
	if err != nil {
		s.fatal(fmt.Errorf("deployrecordstest: Mint: %w", err))
	}
	return token
}

// newServer returns a server of this process.
func newServer(url, token string, closeServer func() error) *Server {
	transport := &tokenTransport{host: url[len("http://"):], token: token}
	return &Server{
		URL: url, Token: token, client: &http.Client{Transport: transport},
		close: sync.OnceValue(func() error {
			transport.next.CloseIdleConnections()
			return closeServer()
		}),
	}
}
