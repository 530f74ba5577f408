package session

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// pendingAge is how long a person may take at the provider.
	pendingAge = 10 * time.Minute
	// maxPending is the number of logins that one browser has at the provider at once, in several tabs.
	maxPending = 5
	// maxNext is the longest path with a query to which a login returns. Proxies limit the size of all cookies.
	maxNext = 1000
	// pendingName is the name of the cookie, followed by the beginning of the state.
	pendingName = "login-"
	stateInName = 12
)

// PendingLogin is a login that continues at the provider. The browser carries it in a cookie, so that any server with the key file can
// finish it, and no other browser can.
type PendingLogin struct {
	// State comes back from the provider in the query, Nonce in the ID token.
	State string `json:"state"`
	Nonce string `json:"nonce"`
	// CodeVerifier is that of PKCE (RFC 7636).
	CodeVerifier string `json:"code_verifier"`
	// Next is the path with the query to which the login returns.
	Next string `json:"next"`
}

type pendingClaims struct {
	jwt.RegisteredClaims
	PendingLogin
}

// ErrNotPending reports that the browser has no such login at the provider: it has expired, has been used, or began elsewhere.
var ErrNotPending = errors.New("no login of this browser has the state")

// SetPending makes the client carry a login for ten minutes. The client drops the query of a long Next, and its older logins if it
// has too many of them.
func (s *Sessions) SetPending(w http.ResponseWriter, r *http.Request, secure bool, p PendingLogin) error {
	if len(p.Next) > maxNext {
		if p.Next, _, _ = strings.Cut(p.Next, "?"); len(p.Next) > maxNext {
			p.Next = "/"
		}
	}
	var older []string
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(strings.TrimPrefix(cookie.Name, securePrefix), pendingName) {
			older = append(older, cookie.Name)
		}
	}
	if len(older) >= maxPending {
		for _, name := range older {
			setCookie(w, name, "", time.Time{})
		}
	}
	end := s.now().Add(pendingAge)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, pendingClaims{
		jwt.RegisteredClaims{Audience: jwt.ClaimStrings{audience}, ExpiresAt: jwt.NewNumericDate(end)}, p,
	}).SignedString(s.pending[0])
	if err != nil {
		return err
	}
	setCookie(w, pendingCookie(secure, p.State), signed, end)
	return nil
}

// TakePending returns the login of a state once, and makes the client remove it. The error is ErrNotPending.
func (s *Sessions) TakePending(w http.ResponseWriter, r *http.Request, secure bool, state string) (PendingLogin, error) {
	name := pendingCookie(secure, state)
	for _, cookie := range r.CookiesNamed(name) {
		setCookie(w, name, "", time.Time{})
		for _, key := range s.pending {
			var c pendingClaims
			if !s.verify(cookie.Value, key, &c) || subtle.ConstantTimeCompare([]byte(c.State), []byte(state)) == 0 {
				continue
			}
			if used, _ := s.used.ContainsOrAdd(state, struct{}{}); !used {
				return c.PendingLogin, nil
			}
		}
	}
	return PendingLogin{}, ErrNotPending
}

// pendingCookie returns the name of the cookie of a login.
func pendingCookie(secure bool, state string) string {
	name := pendingName + state[:min(len(state), stateInName)]
	if secure {
		name = securePrefix + name
	}
	return name
}
