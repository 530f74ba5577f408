// Package httpserver is the HTTP server. It defines the order of checks (rule R4): match the route, authenticate, authorize,
// limit and validate. A request that passes reaches internal/api. Every error becomes a response in handleError.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/ui"
)

// Options configures a server.
type Options struct {
	// Store answers requests and reports whether it is ready.
	Store interface {
		deployments.Store
		Ready(context.Context) error
	}
	Verifier *auth.Verifier
	Paging   deployments.Paging
	// Document is upstream's OpenAPI document, byte for byte.
	Document []byte
	// RecordingDocument is the OpenAPI document of the recording API.
	RecordingDocument []byte
	// Documents are what openapi.ReadDocuments returned for both, for a program with many servers; nil reads them.
	Documents *openapi.Documents
	// AutoCreate lets recording create unknown names.
	AutoCreate bool
	// RejectUnknownParameters makes a query parameter that no document names a 400 (Q1). By default, it is ignored.
	RejectUnknownParameters bool
	// CORSOrigins are the origins whose pages may read the API (R4), as https://dash.example.
	CORSOrigins []string
	// CORSHeaders are further headers that requests of these pages may have.
	CORSHeaders []string
	// Gzip compresses large bodies of the API and the documents for clients that accept it.
	Gzip bool
	// UI configures the pages for people; nil is a server without pages.
	UI *ui.Options
	// Now is the clock of the pages and the Date header; nil is time.Now. The log, limits and tokens use the
	// real time in any case.
	Now    func() time.Time
	Logger *slog.Logger
	Limits Limits
	// LargeBodies admits large bodies; nil is a gate of their own that waits for defaultWait.
	LargeBodies *admission.Gate
	// Observer, if not nil, is called for every request.
	Observer Observer
	// Intercept, if not nil, is called before all checks. An error of it is the response. It is for tests of clients.
	Intercept func(*http.Request) error
}

// Observer observes requests, for monitoring.
type Observer interface {
	// RequestBegan is called before a request is handled.
	RequestBegan()
	// RequestEnded is called afterwards. Route is the path of the route, as in the document, or "none"; the status is 499 for a
	// client that has hung up, and the method is "other" if HTTP does not define it.
	RequestEnded(route, method string, status int, duration time.Duration)
}

// Limits bounds the time and memory of requests.
type Limits struct {
	// ReadHeader, Read, Write and Idle are the timeouts of http.Server.
	ReadHeader, Read, Write, Idle time.Duration
	// Handle limits the time to compute a response, down to the database. It must be less than Write, or the 504 cannot be
	// written.
	Handle time.Duration
	// Drain is how long the server continues to accept requests when it stops, while /readyz is a 503. Load balancers notice it
	// meanwhile, and no client finds the port closed.
	Drain time.Duration
	// Shutdown is the time that running requests have to finish when the server stops.
	Shutdown time.Duration
	// HeaderBytes limits a request's line and header, BodyBytes its body.
	HeaderBytes int
	BodyBytes   int64
	// TotalBodyBytes limits the bodies, as sent, of all requests at once.
	TotalBodyBytes int64
	// Rate limits the requests a second of each token subject; 0 is no limit.
	Rate int
	// Connections limits the connections that are open at once; 0 is no limit. Further ones wait until the server accepts
	// them.
	Connections int
}

// defaultWait limits the time that a large body waits for others.
const defaultWait = 5 * time.Second

// DefaultLimits returns limits for a server with or without a proxy.
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

		TotalBodyBytes: 64 << 20,
		Connections:    4096,
	}
}

// errCutOff is the cause of ending requests that did not finish within Limits.Shutdown.
var errCutOff = errors.New("the server stops")

// stoppingKey is the key of a channel in the context of requests that is closed when the server begins to stop.
type stoppingKey struct{}

// isStopping reports whether the server of a request has begun to stop.
func isStopping(ctx context.Context) bool {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	select {
	case <-stopping:
		return true
	default:
		return false // also without a channel
	}
}

// Serve serves on the listener until ctx ends and Limits.Drain has passed, then lets running requests finish. It closes the
// listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, limits Limits, logger *slog.Logger) error {
	// Requests outlive ctx: a graceful stop waits for them.
	requests, cutOff := context.WithCancelCause(context.WithValue(context.Background(), stoppingKey{}, ctx.Done()))
	defer cutOff(errCutOff)
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return requests },
		Handler:           handler,
		ReadHeaderTimeout: limits.ReadHeader,
		ReadTimeout:       limits.Read,
		WriteTimeout:      limits.Write,
		IdleTimeout:       limits.Idle,
		// net/http rejects a header beyond this plus 4 KiB without calling the handler. A smaller excess gets a body by R3.
		MaxHeaderBytes: 2 * limits.HeaderBytes,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// The handler answers OPTIONS *, with the headers of every response (R4).
		DisableGeneralOptionsHandler: true,
	}
	if limits.Connections > 0 {
		listener = netutil.LimitListener(listener, limits.Connections)
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if limits.Drain > 0 {
		logger.Info("draining: /readyz is a 503, and requests are still accepted", "for", limits.Drain.String())
		select {
		case err := <-failed:
			return err
		case <-time.After(limits.Drain):
		}
	}
	logger.Info("stopping: waiting for running requests", "within", limits.Shutdown.String())
	stopping, cancel := context.WithTimeout(context.Background(), limits.Shutdown)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		// Cut off requests that did not finish, with a cause that distinguishes them from requests that clients ended.
		cutOff(errCutOff)
		err = errors.Join(err, server.Close())
	}
	<-failed //nolint:errcheck // always http.ErrServerClosed here
	return err
}
