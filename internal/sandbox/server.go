package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

// shutdownTimeout limits how long a server waits for its requests when it is closed.
const shutdownTimeout = 5 * time.Second

// Server is a sandbox with a listener of its own.
type Server struct {
	*Sandbox
	close func() error
}

// Start starts a sandbox on a free port of the host, with the settings of a server. It lacks the pages.
func Start(ctx context.Context, o Options, settings httpserver.Options, host string) (*Server, error) {
	s, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	server, err := s.start(settings, o.NewHandler, host)
	if err != nil {
		_ = s.Store.Close()
		return nil, err
	}
	return server, nil
}

func (s *Sandbox) start(settings httpserver.Options, newHandler NewHandler, host string) (*Server, error) {
	if err := s.newIssuer(); err != nil {
		return nil, err
	}
	logger := settings.Logger
	verifier, err := auth.New(context.Background(), auth.Options{HMACSecrets: [][]byte{s.Issuer.Secret}, Audience: s.Organization, Logger: logger})
	if err != nil {
		return nil, err
	}
	settings.Verifier, settings.UI, settings.Observer = verifier, nil, nil
	settings.Limits.Drain, settings.Limits.Shutdown = 0, shutdownTimeout
	s.Configure(&settings)
	if newHandler == nil {
		newHandler = httpserver.New
	}
	handler, err := newHandler(settings)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	s.URL = BaseURL(listener.Addr())

	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- httpserver.Serve(ctx, listener, s.Handler(handler), settings.Limits, quiet(logger)) }()
	var background sync.WaitGroup
	background.Go(func() { s.Store.RunBackground(ctx, logger) })
	return &Server{s, sync.OnceValue(func() error {
		stop()
		s.Faults.Close() // ends delays
		err := <-stopped
		background.Wait()
		return errors.Join(err, s.Store.Close())
	})}, nil
}

// Close stops the server and discards its records. It waits at most five seconds for running requests, and returns an error if
// it had to interrupt some. Further calls return the same result.
func (s *Server) Close() error { return s.close() }

// quiet returns a logger without the messages that each of many servers begins or ends.
func quiet(logger *slog.Logger) *slog.Logger { return slog.New(quietHandler{logger.Handler()}) }

type quietHandler struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelInfo && h.Handler.Enabled(ctx, level)
}
