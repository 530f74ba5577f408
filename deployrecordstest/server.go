package deployrecordstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
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

// Server is a server that runs in this process until it is closed.
type Server struct {
	// URL is where it listens, http://127.0.0.1:43117 say: a free port of the loopback address, without a slash at the
	// end.
	URL string
	// Token is for the header "Authorization: Bearer …". It lets read and record, all that the server has, as long as
	// the server runs.
	Token string

	client *http.Client
	close  func() error
}

// Start starts a server that is closed when the test and its subtests are done. If it cannot be started, with faulty
// records say, the test fails at once and tells why. The server's warnings and errors go to the test's log.
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

// New starts a server where there is no test, as in an Example or TestMain. Whoever calls it closes the server. The
// error says which option is at fault and, of records, which line and field.
func New(options ...Option) (*Server, error) {
	return start(io.Discard, options)
}

// Client sends requests with the server's token, unless they have an Authorization header of their own. It is made for
// the generated client: client.WithHTTPClient(server.Client()).
func (s *Server) Client() *http.Client { return s.client }

// Close ends the server and forgets its records. It waits for requests under way, for five seconds at most; an error
// tells that some took longer and were cut off. To close again does nothing.
func (s *Server) Close() error { return s.close() }

// shutdown is how long Close waits.
const shutdown = 5 * time.Second

func start(log io.Writer, options []Option) (*Server, error) {
	var c config
	var faults []error
	for _, option := range options {
		faults = append(faults, option(&c))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("deployrecordstest: %w", err)
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

// serve answers from the store, and closes it with the server.
func serve(s *store.Store, now func() time.Time, logger *slog.Logger) (*Server, error) {
	secret, token, err := fixture.Token(auth.MintRequest{Organization: fixture.Organization, Subject: "test"})
	if err != nil {
		return nil, err
	}
	verifier, err := auth.New(context.Background(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		return nil, err
	}
	limits := httpserver.DefaultLimits()
	limits.Shutdown = shutdown
	handler, err := httpserver.New(httpserver.Options{
		Store:             s,
		Verifier:          verifier,
		Paging:            deployments.DefaultPaging(),
		Document:          deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate:        true,
		Now:               now,
		Logger:            logger,
		Limits:            limits,
	})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- httpserver.Serve(ctx, listener, handler, limits, logger) }()
	folded := make(chan struct{})
	go func() {
		defer close(folded)
		s.RunCompaction(ctx, logger)
	}()
	transport := &tokenTransport{host: listener.Addr().String(), token: token}
	return &Server{
		URL:    "http://" + listener.Addr().String(),
		Token:  token,
		client: &http.Client{Transport: transport},
		close: sync.OnceValue(func() error {
			transport.next.CloseIdleConnections()
			stop()
			err := <-stopped
			<-folded
			return errors.Join(err, s.Close())
		}),
	}, nil
}

// tokenTransport adds the token to what goes to the server, and to nothing else.
type tokenTransport struct {
	host, token string
	next        http.Transport
}

func (t *tokenTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == t.host && request.Header.Get("Authorization") == "" {
		request = request.Clone(request.Context()) // the caller's is not ours to change
		request.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(request)
}
