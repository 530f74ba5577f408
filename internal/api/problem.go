package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Problem is an answer that is not a success, in the words of R3. It is an error, so that whoever finds a problem
// can return it, and the one place that writes bodies finds it.
type Problem struct {
	// Status is the HTTP status, one of those in codes.
	Status int
	// Message is for a person and has no internals in it.
	Message string
	// Details, one for each thing that is wrong, go out only with the statuses whose schema has strings there.
	Details []string
	// RetryAfter goes out with 429 and 503, rounded up to seconds.
	RetryAfter time.Duration
	// Allow goes out with 405: the methods that the path has.
	Allow string
	// Authenticate is the WWW-Authenticate of 401 and 403.
	Authenticate string
	// Cause is what the log is told besides; clients are not.
	Cause error
}

func (p *Problem) Error() string {
	if p.Cause != nil {
		return fmt.Sprintf("%s: %v", p.Message, p.Cause)
	}
	return p.Message
}

func (p *Problem) Unwrap() error { return p.Cause }

// codes gives the gRPC code of each status (R3).
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

// MaxDetails is how many faults of one request are told (R3).
const MaxDetails = 20

// BadRequest is a 400 that tells each fault, MaxDetails of them at most.
func BadRequest(faults []string) *Problem {
	message := "the request has a fault"
	if len(faults) > 1 {
		message = fmt.Sprintf("the request has %d faults", len(faults))
	}
	return &Problem{Status: http.StatusBadRequest, Message: message, Details: faults[:min(len(faults), MaxDetails)]}
}

// retryAfter is when a client should ask again that was told so.
const retryAfter = 5 * time.Second

// ProblemOf finds what to answer to an error. What it does not know is a 500 that tells nothing.
func ProblemOf(err error) *Problem {
	var (
		problem *Problem
		refused *deployments.BatchError
	)
	switch {
	case errors.As(err, &problem):
		if _, ok := codes[problem.Status]; !ok {
			return &Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: err}
		}
		return problem
	case errors.As(err, &refused):
		return BadRequest(sentences(refused.Violations))
	case errors.Is(err, deployments.ErrKeyReused):
		return &Problem{Status: http.StatusUnprocessableEntity, Message: "the Idempotency-Key was used for another request"}
	case errors.Is(err, deployments.ErrConflict):
		return &Problem{Status: http.StatusConflict, Message: "other requests were in the way, try again", Cause: err}
	case errors.Is(err, deployments.ErrUnavailable):
		return &Problem{Status: http.StatusServiceUnavailable, Message: "the database is unavailable, try again", RetryAfter: retryAfter, Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusGatewayTimeout, Message: "the answer took too long", Cause: err}
	case errors.Is(err, context.Canceled):
		// The client has gone, or the server stops: who is still there may ask again.
		return &Problem{Status: http.StatusServiceUnavailable, Message: "the request was cut off, try again", RetryAfter: retryAfter, Cause: err}
	default:
		return &Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: err}
	}
}

// Header adds the problem's headers (R2, R3, R4).
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

// Body is the problem in the contract's own schema for its status; other statuses have rpcStatus (R3).
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
		panic(err) // structs of strings and numbers
	}
	return append(text, '\n')
}
