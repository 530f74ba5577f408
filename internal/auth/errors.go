package auth

import (
	"errors"
	"fmt"
	"time"
)

// ErrNoToken reports that a request has no bearer token. It is a 401
// without error="invalid_token" (rule R4).
var ErrNoToken = errors.New("no bearer token was sent")

// TokenError reports that a token was sent and is not accepted: a 401 with
// error="invalid_token" (rule R4).
type TokenError struct {
	// Reason is for the client. It never holds the token or a part of it, key
	// material, or the text of another error.
	Reason string
}

// Error returns the Reason.
func (e *TokenError) Error() string { return e.Reason }

// KeysError reports that a token cannot be judged yet, because a key that may
// verify it has not been fetched: a 503 (rule T2).
type KeysError struct {
	// Reason is for the client, as that of a TokenError.
	Reason string
	// RetryAfter is when the keys may have been fetched.
	RetryAfter time.Duration
}

// Error returns the Reason.
func (e *KeysError) Error() string { return e.Reason }

// refuse makes a TokenError. Its arguments are names from configuration or
// from this package, never values out of the token: the client chose those,
// and the Reason goes into answers and logs.
func refuse(format string, args ...any) error {
	return &TokenError{Reason: fmt.Sprintf(format, args...)}
}
