package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Problem is an error response (R3). It is an error, so that any step can return it to the one place that writes bodies.
type Problem struct {
	// Status is an HTTP status, one of the keys of codes.
	Status int
	// Message is for a person and reveals no internals.
	Message string
	// Details has one string for each violation. Only statuses whose schema has strings there send it.
	Details []string
	// RetryAfter is sent with 429 and 503, rounded up to seconds.
	RetryAfter time.Duration
	// Allow lists the path's methods, for 405.
	Allow string
	// Authenticate is the header WWW-Authenticate, for 401 and 403.
	Authenticate string
	// Cause is for the log; clients do not get it.
	Cause error
}

func (p *Problem) Error() string {
	if p.Cause != nil {
		return fmt.Sprintf("%s: %v", p.Message, p.Cause)
	}
	return p.Message
}

func (p *Problem) Unwrap() error { return p.Cause }

// codes maps each status to its gRPC code (R3).
var codes = map[int]int32{
	http.StatusBadRequest:                  3,
	http.StatusUnauthorized:                16,
	http.StatusForbidden:                   7,
	http.StatusNotFound:                    5,
	http.StatusMethodNotAllowed:            12,
	http.StatusConflict:                    10,
	http.StatusRequestEntityTooLarge:       3,
	http.StatusUnsupportedMediaType:        3,
	http.StatusUnprocessableEntity:         9,
	http.StatusTooManyRequests:             8,
	http.StatusRequestHeaderFieldsTooLarge: 3,
	http.StatusInternalServerError:         13,
	http.StatusNotImplemented:              12,
	http.StatusServiceUnavailable:          14,
	http.StatusGatewayTimeout:              4,
}

// Statuses returns the statuses of errors, in ascending order.
func Statuses() []int { return slices.Sorted(maps.Keys(codes)) }

// MaxDetails is the maximum number of violations that a response reports (R3).
const MaxDetails = 20

// BadRequest returns a 400 that reports the first MaxDetails violations.
func BadRequest(violations []string) *Problem {
	message := "the request has a fault"
	if len(violations) > 1 {
		message = fmt.Sprintf("the request has %d faults", len(violations))
	}
	return &Problem{Status: http.StatusBadRequest, Message: message, Details: violations[:min(len(violations), MaxDetails)]}
}

const (
	// retryAfter is the time after which a client should retry.
	retryAfter = 5 * time.Second
	// quotaRetryAfter is longer than clients wait: only the operator can raise a quota, and keys take hours to expire.
	quotaRetryAfter = time.Hour
)

// ProblemOf returns the response to an error: a 500 that reveals nothing for any error that it does not know.
func ProblemOf(err error) *Problem {
	var (
		problem  *Problem
		rejected *deployments.BatchError
		overload *deployments.OverloadError
		quota    *deployments.QuotaError
	)
	switch {
	case errors.As(err, &problem):
		if _, ok := codes[problem.Status]; !ok {
			return &Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: err}
		}
		return problem
	case errors.As(err, &rejected):
		return BadRequest(messages(rejected.Violations))
	case errors.As(err, &overload):
		status := http.StatusServiceUnavailable
		if overload.OwnShare {
			status = http.StatusTooManyRequests
		}
		return &Problem{Status: status, Message: overload.Error(), RetryAfter: overload.RetryAfter}
	case errors.As(err, &quota):
		return &Problem{Status: http.StatusTooManyRequests, Message: quota.Error(), RetryAfter: quotaRetryAfter}
	case errors.Is(err, deployments.ErrKeyReused):
		return &Problem{Status: http.StatusUnprocessableEntity, Message: "the Idempotency-Key was used for another request"}
	case errors.Is(err, deployments.ErrConflict):
		return &Problem{Status: http.StatusConflict, Message: "other requests were in the way, try again", Cause: err}
	case errors.Is(err, deployments.ErrReadOnly):
		return &Problem{Status: http.StatusServiceUnavailable, Message: "this server is read-only: record on a server of the primary database", RetryAfter: retryAfter, Cause: err}
	case errors.Is(err, deployments.ErrUnavailable):
		return &Problem{Status: http.StatusServiceUnavailable, Message: "the database is unavailable, try again", RetryAfter: retryAfter, Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusGatewayTimeout, Message: "the answer took too long", Cause: err}
	case errors.Is(err, context.Canceled):
		// The client has gone, or the server stops: a client that is still there may retry.
		return &Problem{Status: http.StatusServiceUnavailable, Message: "the request was cut off, try again", RetryAfter: retryAfter, Cause: err}
	default:
		return &Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: err}
	}
}

// Header sets the response's headers (R2, R3, R4).
func (p *Problem) Header(h http.Header) {
	h.Set("Content-Type", "application/json")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(int64((p.RetryAfter+time.Second-1)/time.Second)))
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.Authenticate != "" {
		h.Set("WWW-Authenticate", p.Authenticate)
	}
}

// Body returns the response body in the document's schema for the status, or in rpcStatus if there is none (R3).
func (p *Problem) Body() []byte {
	details := p.Details
	if details == nil {
		details = []string{}
	}
	code := codes[p.Status]
	var body any
	switch p.Status {
	case http.StatusBadRequest:
		body = server.BadRequest{Code: code, Message: p.Message, Details: details}
	case http.StatusUnauthorized:
		body = server.Unauthorized{Code: code, Message: p.Message, Details: details}
	case http.StatusForbidden:
		body = server.PermissionDenied{Code: code, Message: p.Message, Details: details}
	case http.StatusInternalServerError:
		body = server.InternalServerError{Code: code, Message: p.Message, Details: details}
	default:
		body = server.RPCStatus{Code: code, Message: p.Message, Details: []map[string]any{}}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the structs have strings and numbers only
	}
	return append(text, '\n')
}
