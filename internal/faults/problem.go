package faults

import (
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
)

// injected begins the message of an injected error without a message of its own, so that nobody takes it for a real one.
const injected = "injected for a test: "

// problemOf returns the error of a fault of the kind Status.
func problemOf(f *Fault) *api.Problem {
	p := newProblem(f.Status, f.RetryAfter)
	if f.Message != "" {
		p.Message = f.Message
	}
	return p
}

// newProblem returns an error with the headers and details that its status has (R3, R4).
func newProblem(status int, retryAfter time.Duration) *api.Problem {
	p := &api.Problem{Status: status, Message: injected + http.StatusText(status)}
	switch status {
	case http.StatusBadRequest:
		p.Details = []string{"query: is rejected for a test"}
	case http.StatusUnauthorized:
		p.Authenticate = `Bearer error="invalid_token"`
		p.Details = []string{"the token is rejected for a test"}
	case http.StatusForbidden:
		p.Authenticate = `Bearer error="insufficient_scope"`
		p.Details = []string{"scope: is rejected for a test"}
	case http.StatusMethodNotAllowed:
		p.Allow = "OPTIONS"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		p.RetryAfter = retryAfter
	}
	return p
}
