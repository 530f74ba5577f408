package claims

import (
	"fmt"
	"strconv"
)

// Error reports that a token was sent and is not accepted: a 401 with
// error="invalid_token" (rule R4).
type Error struct {
	// Reason is for the client. It never holds the token, key material, or the
	// text of another error. It quotes a value out of the token only to name
	// its issuer, or after the signature was verified.
	Reason string
}

// Error returns the Reason.
func (e *Error) Error() string { return e.Reason }

// Refuse makes an Error.
func Refuse(format string, args ...any) error {
	return &Error{Reason: fmt.Sprintf(format, args...)}
}

// Quote quotes a value out of a token, cut at 64 characters (rule R3).
func Quote(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "…"
	}
	return strconv.Quote(text)
}
