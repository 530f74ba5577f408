package deployrecordstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/store"
)

// Server is a server that runs in this process until Close.
type Server struct {
	// URL is the server's URL on a free port of the loopback address, for example http://127.0.0.1:43117, without a
	// trailing slash.
	URL string
	// Token is for the header "Authorization: Bearer …". It may read and record, for as long as the server runs.
	Token string

	client *http.Client
	close  func() error
}

// Start starts a server and closes it when the test and its subtests are done. If the server cannot start, for example
// because of invalid records, the test fails at once. The test's log has the server's warnings and errors.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	server, err := start(t.Output(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// New starts a server without a test, for example in an Example or in TestMain. The caller closes the server. An error names
// the invalid option and, for records, the line and the field.
func New(options ...Option) (*Server, error) {
	return start(io.Discard, options)
}

// Client returns an HTTP client that adds the server's token to requests without an Authorization header. Pass it to the
// generated client: client.WithHTTPClient(server.Client()).
func (s *Server) Client() *http.Client { return s.client }

// Close stops the server and discards its records. It waits at most five seconds for running requests, and returns an error
// if it had to interrupt some. Further calls return the same result.
func (s *Server) Close() error { return s.close() }

// shutdownTimeout limits how long Close waits.
const shutdownTimeout = 5 * time.Second

func start(log io.Writer, options []Option) (*Server, error) {
	c, err := configure(options)
	if err != nil {
		return nil, err
	}
	s, err := fixture.Open(context.Background(), fixture.Organization, c.files, c.now)
	if err != nil {
		return nil, fmt.Errorf("deployrecordstest: %w", err)
	}
	server, err := serve(s, c.now, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("deployrecordstest: %w", err)
	}
	return server, nil
}

// serve starts a server for the store, which Close closes too.
func serve(s *store.Store, now func() time.Time, logger *slog.Logger) (*Server, error) {
	secret, token, err := fixture.Token(auth.MintRequest{Organization: fixture.Organization, Subject: "test"})
	if err != nil {
		return nil, err
	}
	verifier, err := auth.New(context.Background(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		return nil, err
	}
	options := settings(logger)
	options.Store, options.Verifier, options.Now = s, verifier, now
	handler, err := httpserver.New(options)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- httpserver.Serve(ctx, listener, handler, options.Limits, logger) }()
	backgroundStopped := make(chan struct{})
	go func() {
		defer close(backgroundStopped)
		s.RunBackground(ctx, logger)
	}()
	return newServer("http://"+listener.Addr().String(), token, func() error {
		stop()
		err := <-stopped
		<-backgroundStopped
		return errors.Join(err, s.Close())
	}), nil
}

// settings are those of `deployrecords serve` by default.
func settings(logger *slog.Logger) httpserver.Options {
	limits := httpserver.DefaultLimits()
	limits.Shutdown = shutdownTimeout
	return httpserver.Options{
		Paging:            deployments.DefaultPaging(),
		Document:          deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate:        true,
		Logger:            logger,
		Limits:            limits,
	}
}

// tokenTransport adds the token to requests to the server, and to no others.
type tokenTransport struct {
	host, token string
	next        http.Transport
}

func (t *tokenTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == t.host && request.Header.Get("Authorization") == "" {
		request = request.Clone(request.Context()) // a RoundTripper must not change its request
		request.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(request)
}
