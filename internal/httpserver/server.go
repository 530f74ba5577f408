// Package httpserver puts the server together: the order in which a request is judged, and the one place where
// every failure gets its body. A request walks from here to internal/api and back, never the other way.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Options are what a server is made of and how much it bears.
type Options struct {
	// Store answers, and tells whether it is ready.
	Store interface {
		deployments.Store
		Ready(context.Context) error
	}
	Verifier *auth.Verifier
	Paging   deployments.Paging
	// Document is upstream's OpenAPI document, to the byte.
	Document []byte
	// RecordingDocument is that of the recording API.
	RecordingDocument []byte
	// AutoCreate lets recording make names that are not known.
	AutoCreate bool
	// Now, if not nil, is the clock by which a snapshot is in the future, and the Date of every answer. Nil: time.Now.
	// The log, limits and tokens go by the real time all the same.
	Now    func() time.Time
	Logger *slog.Logger
	Limits Limits
}

// Limits bound what a client can make the server do.
type Limits struct {
	// ReadHeader, Read, Write and Idle are those of net/http: for the header, the whole request, the answer, and
	// a connection between two requests.
	ReadHeader, Read, Write, Idle time.Duration
	// Handle is how long an answer may take to be found; it reaches down to the database. It must be less than
	// Write, or the answer that it took too long cannot be written.
	Handle time.Duration
	// Shutdown is how long requests under way have to finish when the server stops.
	Shutdown time.Duration
	// HeaderBytes bounds a request's line and header, BodyBytes its body.
	HeaderBytes int
	BodyBytes   int64
}

// DefaultLimits suit a server behind a proxy or alone.
func DefaultLimits() Limits {
	return Limits{
		ReadHeader:  10 * time.Second,
		Read:        30 * time.Second,
		Write:       60 * time.Second,
		Idle:        2 * time.Minute,
		Handle:      30 * time.Second,
		Shutdown:    30 * time.Second,
		HeaderBytes: 128 << 10,
		BodyBytes:   8 << 20,
	}
}

// errCutOff is why requests end that a stop does not wait for any longer.
var errCutOff = errors.New("the server stops")

// Serve answers on the listener until ctx ends, then finishes what is under way. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, limits Limits, logger *slog.Logger) error {
	// Requests live on when ctx ends: they are what a graceful stop waits for.
	requests, cutOff := context.WithCancelCause(context.Background())
	defer cutOff(errCutOff)
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return requests },
		Handler:           handler,
		ReadHeaderTimeout: limits.ReadHeader,
		ReadTimeout:       limits.Read,
		WriteTimeout:      limits.Write,
		IdleTimeout:       limits.Idle,
		// Beyond its own slack of 4 KiB, net/http refuses a header without asking us; a smaller excess gets the
		// body of R3 from the handler.
		MaxHeaderBytes: 2 * limits.HeaderBytes,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// OPTIONS * is judged like every other request (R4).
		DisableGeneralOptionsHandler: true,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger.Info("stopping: finishing requests under way", "within", limits.Shutdown.String())
	stopping, cancel := context.WithTimeout(context.Background(), limits.Shutdown)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		// What did not finish in time is cut off rather than left to hold the process, and told from what clients end.
		cutOff(errCutOff)
		err = errors.Join(err, server.Close())
	}
	<-failed
	return err
}
