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
	securePrefix = "__Host-"
	loopbackName = "session"
	secureName   = securePrefix + loopbackName
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

// IsSecure reports whether a form came over https, or from beyond this machine, where browsers keep a cookie only over https. A
// proxy with TLS may have replaced the host by a loopback name.
func IsSecure(r *http.Request) bool {
	return !IsLoopback(r) || strings.HasPrefix(r.Header.Get("Origin"), "https:")
}

// SetCookie makes the client send the session, and no other one, until its end.
func SetCookie(w http.ResponseWriter, r *http.Request, secure bool, session string, end time.Time) {
	name := loopbackName
	if secure {
		name = secureName
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

// setCookie sets a cookie, or removes it if its value is empty.
func setCookie(w http.ResponseWriter, name, value string, end time.Time) {
	cookie := &http.Cookie{ //nolint:gosec // not Secure on loopback, where there is no https
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: strings.HasPrefix(name, securePrefix), SameSite: http.SameSiteLaxMode, Expires: end,
	}
	if value == "" {
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
