package ui

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

// providerPath begins a login by the provider. It is a link and not a form, whose redirect to the provider browsers would stop by
// form-action of the policy.
const providerPath = "/login/provider"

// providerLink returns the link that begins a login by the provider, and returns to a path.
func providerLink(next string) string {
	values := url.Values{}
	if next != "/" {
		values.Set("next", next)
	}
	return filters.Link(providerPath, values)
}

// toProvider sends the browser to the provider.
func (u *UI) toProvider(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if _, err := u.authenticate(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // localPath leaves only paths of this server
		return
	}
	redirect := u.Provider.Redirect(r)
	address, pending, err := u.Provider.Begin(r.Context(), redirect)
	if err == nil {
		pending.Next = next
		err = u.sessions.SetPending(w, r, isHTTPS(redirect), pending)
	}
	if err != nil {
		// The login continues once the provider answers.
		w.Header().Set("Refresh", fmt.Sprint(retryAfter.Seconds()))
		w.Header().Set("Retry-After", fmt.Sprint(retryAfter.Seconds()))
		u.failProvider(w, r, next, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the provider published the address
}

// fromProvider issues a session for the login with which the provider sends the browser back.
//
// Failed logins make requests to the provider, which may lock out a client that fails too often. Their limit delays good logins too, since
// only the provider can distinguish them, and all people behind a proxy have one address. So it is higher than the limit of failed
// logins, and the page continues the login by itself.
func (u *UI) fromProvider(w http.ResponseWriter, r *http.Request) {
	if wait := u.exchanges.Wait(r.RemoteAddr); wait > 0 {
		w.Header().Set("Refresh", fmt.Sprint(math.Ceil(wait.Seconds())))
		u.limitLogin(w, r, wait, loginPage{Next: "/"})
		return
	}
	redirect, query := u.Provider.Redirect(r), r.URL.Query()
	pending, err := u.sessions.TakePending(w, r, isHTTPS(redirect), query.Get("state"))
	if err != nil {
		u.failProvider(w, r, "/", err)
		return
	}
	idToken, err := u.Provider.Finish(r.Context(), redirect, query, pending)
	if err != nil {
		u.exchanges.Fail(r.RemoteAddr)
		u.failProvider(w, r, pending.Next, err)
		return
	}
	signed, end, err := u.sessions.Issue(r.Context(), session.FromProvider, idToken)
	if err != nil {
		u.failProvider(w, r, pending.Next, err)
		return
	}
	session.SetCookie(w, r, isHTTPS(redirect), signed, end)
	http.Redirect(w, r, pending.Next, http.StatusSeeOther)
}

// failProvider shows why a login by the provider failed, and the ways to try again. Failures that a person or an attacker can cause
// count as failed logins.
func (u *UI) failProvider(w http.ResponseWriter, r *http.Request, next string, err error) {
	var (
		failure  *provider.Failure
		rejected *auth.TokenError
		missing  *auth.KeysError
	)
	name, content, level := u.Provider.Name, loginPage{Next: next}, slog.LevelWarn
	var status int
	switch {
	case errors.Is(err, session.ErrNotPending):
		status, level = http.StatusBadRequest, slog.LevelInfo
		content.Error = "This login took too long, was finished before, or began in another browser. Log in again."
		if origin, found := strings.CutSuffix(u.Provider.RedirectURL, provider.CallbackPath); found {
			content.Error += " Logins work at " + origin + " alone."
		}
	case errors.As(err, &failure):
		status, content.Error = failure.Status, failure.Message+" "+failure.Advice
	case errors.As(err, &rejected):
		status = http.StatusUnauthorized
		content.Error = name + " logged you in, but its ID token is not accepted: " + rejected.Reason + ". Ask the people who run this server."
	case errors.As(err, &missing):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(missing.RetryAfter.Seconds())))
		content.Error = "The keys of " + name + " could not be loaded. Log in again in a minute."
	default:
		u.fail(w, r, nil, err)
		return
	}
	u.Logger.Log(r.Context(), level, "a login by the provider failed", "request_id", w.Header().Get("X-Request-Id"), "status", status, "error", err)
	if status >= http.StatusInternalServerError {
		u.showLogin(w, r, status, content)
		return
	}
	u.failLogin(w, r, status, content)
}

func isHTTPS(address string) bool { return strings.HasPrefix(address, "https:") }
