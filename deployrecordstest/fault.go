package deployrecordstest

import (
	"cmp"
	"net/url"
	"time"

	"github.com/deployrecords/deployrecords/internal/faults"
)

// FaultKind is a kind of failure.
type FaultKind string

const (
	// ErrorStatus is an error response of the API with its schema and headers. The request has no effect.
	ErrorStatus FaultKind = "status"
	// Slow delays the request by Delay.
	Slow FaultKind = "delay"
	// Trickle sends the response in pieces of 16 bytes, or of Bytes, with pauses of 100ms, or of Pause.
	Trickle FaultKind = "trickle"
	// Truncate closes the connection after half of the body, or after Bytes.
	Truncate FaultKind = "truncate"
	// ConnectionReset closes the connection by a TCP reset. The request has no effect.
	ConnectionReset FaultKind = "reset"
	// MalformedJSON is a complete response whose body ends in its middle.
	MalformedJSON FaultKind = "malformed-json"
	// WrongContentType is a response with the type text/html, or ContentType.
	WrongContentType FaultKind = "content-type"
)

// Fault is a failure, and the requests that have it: by default, the next request of the API.
type Fault struct {
	Kind FaultKind
	// Method, Path and Query select requests: those with this method, path and parameters. Without a path, all paths below /v1.
	Method, Path string
	Query        url.Values
	// Nth is the first of these requests that fails, counted from 1; 0 is 1.
	Nth int
	// Times is how many requests fail; 0 is one, and Always is no limit.
	Times int

	// Status is a status that the API documents, for example 503, and RetryAfter the header of 429 and 503: one second without
	// it, and no header if it is negative. Message is that of the body.
	Status     int
	RetryAfter time.Duration
	Message    string
	// Delay comes first, with every kind: a fixed time, or one between Delay and MaxDelay.
	Delay, MaxDelay time.Duration
	// Bytes and Pause are for Trickle and Truncate; Bytes -1 truncates before the first byte.
	Bytes int
	Pause time.Duration
	// ContentType is for WrongContentType.
	ContentType string
}

// Always is the Times of a fault that is never used up.
const Always = -1

// internal returns the fault in the form of the sandbox.
func (f *Fault) internal() faults.Fault {
	fault := faults.Fault{
		Kind: faults.Kind(f.Kind), Times: max(cmp.Or(f.Times, 1), 0),
		Match:  faults.Match{Method: f.Method, Path: f.Path, Query: f.Query, Nth: f.Nth},
		Status: f.Status, Message: f.Message, Pause: f.Pause, ContentType: f.ContentType,
	}
	if fault.RetryAfter = f.RetryAfter; fault.Kind == faults.Status {
		fault.RetryAfter = max(cmp.Or(f.RetryAfter, time.Second), 0)
	}
	if f.Bytes != 0 {
		fault.Bytes = new(max(f.Bytes, 0))
	}
	if fault.Delay.Fixed = f.Delay; f.MaxDelay != 0 {
		fault.Delay = faults.Delay{Min: f.Delay, Max: f.MaxDelay}
	}
	return fault
}
