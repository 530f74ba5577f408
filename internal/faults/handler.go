package faults

import (
	"context"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
)

// Handler returns a server with the faults of the set, and with the answers that the header Prefer selects. The fault of a
// request comes before its header.
func (s *Set) Handler(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := s.choose(r)
		if fault == nil {
			s.servePreferred(server, w, r)
			return
		}
		if id, ok := r.Context().Value(appliedKey{}).(*string); ok {
			*id = fault.id
		}
		fault.serve(server, w, r)
	})
}

type appliedKey struct{}

// WithApplied returns a context in which Handler writes the id of the request's fault to *id.
func WithApplied(ctx context.Context, id *string) context.Context {
	return context.WithValue(ctx, appliedKey{}, id)
}

type problemKey struct{}

// withProblem returns the request whose response is a problem.
func withProblem(r *http.Request, problem *api.Problem) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), problemKey{}, problem))
}

// Intercept returns the error that a request gets in place of its response, or nil.
func Intercept(r *http.Request) error {
	if problem, ok := r.Context().Value(problemKey{}).(*api.Problem); ok {
		return problem
	}
	return nil
}

// withoutEncoding returns the request of a client that accepts no compressed body: half of one is no JSON at all.
func withoutEncoding(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Accept-Encoding")
	return r
}

// serve answers a request that has the fault.
func (f *chosen) serve(server http.Handler, w http.ResponseWriter, r *http.Request) {
	controller := http.NewResponseController(w)
	if f.delay > 0 || f.Kind == Trickle {
		// The timeouts of the server are for its own work.
		_ = controller.SetWriteDeadline(time.Time{})
		if !wait(r.Context(), f.ended, f.delay) && r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
	}
	switch f.Kind {
	case Reset:
		reset(controller)
	case Status:
		server.ServeHTTP(w, withProblem(r, problemOf(&f.Fault)))
	case DelayOnly:
		server.ServeHTTP(w, r)
	default:
		response := newBuffer()
		server.ServeHTTP(response, withoutEncoding(r))
		f.send(w, controller, r, response)
	}
}
