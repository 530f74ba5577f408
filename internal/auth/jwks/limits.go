package jwks

import (
	"errors"
	"net/http"
	"time"
)

// Limits are the limits of rule T2, in one place so that tests can
// shorten them.
type Limits struct {
	Timeout    time.Duration     // of one fetch, redirects and body included
	MaxBody    int64             // bytes of a key set, after decompression
	Refresh    time.Duration     // from a good fetch to the next
	RetryFirst time.Duration     // from a failed fetch to the next; doubles ...
	RetryMost  time.Duration     // ... up to this
	UnknownKID time.Duration     // between two refreshes that tokens cause
	Transport  http.RoundTripper // nil: one that the source describes
}

// DefaultLimits returns the limits of rule T2.
func DefaultLimits() Limits {
	return Limits{
		Timeout:    5 * time.Second,
		MaxBody:    1 << 20,
		Refresh:    time.Hour,
		RetryFirst: 10 * time.Second,
		RetryMost:  time.Minute,
		UnknownKID: time.Minute,
	}
}

// PendingError reports that a token cannot be judged yet, because a key that
// may verify it has not been fetched: a 503 (rule T2).
type PendingError struct {
	// Reason is for the client. It holds no part of the token and no URL.
	Reason string
	// RetryAfter is when the keys may have been fetched.
	RetryAfter time.Duration
	// UnknownKey is whether the keys are loaded and none of them has the token's kid. Otherwise they were never loaded.
	UnknownKey bool
}

// Error returns the Reason.
func (e *PendingError) Error() string { return e.Reason }

// ErrUnknownKey reports that no key of a set has the kid of a token, even after a refresh.
var ErrUnknownKey = errors.New("the token's key (header kid) is not known")
