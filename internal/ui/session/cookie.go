package session

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// The names of the cookie. A browser keeps a cookie with the prefix only if it came over https from this very host.
const (
	secureName   = "__Host-session"
	loopbackName = "session"
)

// FromCookie returns the session that a request carries, or "".
func FromCookie(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// SetCookie makes the client send the session until its end. An empty session removes it.
func SetCookie(w http.ResponseWriter, r *http.Request, session string, end time.Time) {
	cookie := &http.Cookie{ //nolint:gosec // not Secure on loopback, where there is no https
		Name: cookieName(r), Value: session, Path: "/", HttpOnly: true, Secure: !IsLoopback(r), SameSite: http.SameSiteLaxMode, Expires: end,
	}
	if session == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

func cookieName(r *http.Request) string {
	if IsLoopback(r) {
		return loopbackName
	}
	return secureName
}

// IsLoopback reports whether the client addressed the server by a loopback name, for which browsers need no https.
func IsLoopback(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	if len(host) > 2 && host[0] == '[' {
		host = host[1 : len(host)-1]
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
