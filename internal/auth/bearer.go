package auth

import (
	"net/http"
	"strings"
)

// maxTokenBytes is far above what issuers make (1 to 4 KiB) and keeps one
// request from making the server decode a megabyte before it knows the caller.
const maxTokenBytes = 16 << 10

// BearerToken returns the token of "Authorization: Bearer <token>" (rule
// T1). The scheme is matched without regard to case.
//
// The error is ErrNoToken if there is no Authorization header, if it has
// another scheme, or if nothing follows the scheme. It is a *TokenError if
//
//   - the header comes more than once: two proxies could pick different ones,
//   - the token is longer than 16 KiB, or
//   - the token holds a byte that no bearer token may hold, such as a space or
//     a comma.
func BearerToken(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	if len(values) > 1 {
		return "", refuse("the Authorization header was sent more than once")
	}
	scheme, token, _ := strings.Cut(strings.Trim(values[0], " \t"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	token = strings.TrimLeft(token, " ")
	if token == "" {
		return "", ErrNoToken
	}
	if err := checkTokenBytes(token); err != nil {
		return "", err
	}
	return token, nil
}

// checkTokenBytes is also called by Verify: Go's base64 decoder skips line
// breaks, so without it one token could be written in many ways.
func checkTokenBytes(token string) error {
	if len(token) > maxTokenBytes {
		return refuse("the token is longer than 16 KiB")
	}
	for i := range len(token) {
		if !isTokenByte(token[i]) {
			return refuse("the token holds a character that a bearer token can't hold")
		}
	}
	return nil
}

// isTokenByte is the alphabet of b64token, RFC 6750 section 2.1.
func isTokenByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("-._~+/=", b) >= 0
}
