package session

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// The names of the cookie. A browser keeps a cookie with the prefix only if it came over https from this very host.
const (
	secureName   = "__Host-session"
	loopbackName = "session"
)

// Carried returns the sessions that a request carries. The first one counts: that of the secure cookie, if there is one. The other
// cookie counts on a loopback host alone, since another site of the same domain could set it.
func Carried(r *http.Request) (sessions []string) {
	for _, cookie := range r.CookiesNamed(secureName) {
		sessions = append(sessions, cookie.Value)
	}
	if IsLoopback(r) {
		for _, cookie := range r.CookiesNamed(loopbackName) {
			sessions = append(sessions, cookie.Value)
		}
	}
	return sessions
}

// SetCookie makes the client send the session, and no other one, until its end.
func SetCookie(w http.ResponseWriter, r *http.Request, session string, end time.Time) {
	name := secureName
	if IsLoopback(r) && !strings.HasPrefix(r.Header.Get("Origin"), "https:") { // a proxy with TLS may have replaced the host
		name = loopbackName
	}
	setCookie(w, name, session, end)
	removeCookies(w, r, name)
}

// RemoveCookies makes the client remove all sessions that the request carries.
func RemoveCookies(w http.ResponseWriter, r *http.Request) { removeCookies(w, r, "") }

func removeCookies(w http.ResponseWriter, r *http.Request, except string) {
	for _, name := range []string{secureName, loopbackName} {
		if name != except && len(r.CookiesNamed(name)) > 0 {
			setCookie(w, name, "", time.Time{})
		}
	}
}

// setCookie sets a cookie, or removes it if the session is empty.
func setCookie(w http.ResponseWriter, name, session string, end time.Time) {
	cookie := &http.Cookie{ //nolint:gosec // not Secure on loopback, where there is no https
		Name: name, Value: session, Path: "/", HttpOnly: true, Secure: name == secureName, SameSite: http.SameSiteLaxMode, Expires: end,
	}
	if session == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
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
