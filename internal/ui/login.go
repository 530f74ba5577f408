package ui

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/ui/render"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

// loginPage is the content of the login.
type loginPage struct {
	// Next is the path to return to.
	Next string
	// Notice is why the person has no session.
	Notice string
	// TokenError is about the token that was sent, and Error is about the provider.
	TokenError, Error string
	// TakesTokens reports that there is a form for tokens.
	TakesTokens bool
	// Provider is the name of the provider, or "" without one. ProviderLink leads to it.
	Provider, ProviderLink string
	// ProviderLogout is where the person logs out of the provider itself; it may be empty.
	ProviderLogout string
}

// maxTokenForm is the size of a login form: a token has at most 16 KiB.
const maxTokenForm = 64 << 10

func (u *UI) loginForm(w http.ResponseWriter, r *http.Request) {
	content := loginPage{Next: localPath(r.URL.Query().Get("next"))}
	if _, err := u.authenticate(r); err == nil {
		http.Redirect(w, r, content.Next, http.StatusSeeOther)
		return
	}
	switch r.URL.Query().Get("reason") {
	case "ended":
		content.Notice = "Your session has ended. Log in again to return to the page."
	case "logged-out":
		content.Notice = "You are logged out."
		if u.Provider != nil {
			content.ProviderLogout = u.Provider.LogoutAddress()
		}
	default:
		if u.Provider != nil && u.Provider.Only {
			// Not a redirect: a form of a page may have led here, and form-action of the policy would stop it on its way to the provider.
			w.Header().Set("Refresh", "0; url="+providerLink(content.Next))
		}
	}
	u.showLogin(w, r, http.StatusOK, content)
}

// showLogin shows the ways to log in, and what is wrong with the last try.
func (u *UI) showLogin(w http.ResponseWriter, r *http.Request, status int, content loginPage) {
	content.TakesTokens = true
	if u.Provider != nil {
		content.TakesTokens = !u.Provider.Only
		content.Provider, content.ProviderLink = u.Provider.Name, providerLink(content.Next)
	}
	u.render(w, r, status, "login", render.Page{Title: "Log in", Content: content})
}

// login exchanges a token for a session.
func (u *UI) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	content := loginPage{Next: localPath(r.PostFormValue("next"))}
	if u.Provider != nil && u.Provider.Only {
		content.Error = "This server takes no tokens here."
		u.showLogin(w, r, http.StatusForbidden, content)
		return
	}
	if !session.IsLoopback(r) && strings.HasPrefix(r.Header.Get("Origin"), "http:") {
		content.TokenError = "Your browser keeps a session only over https. Open this page by https, or on the server's own machine by localhost."
		u.showLogin(w, r, http.StatusBadRequest, content)
		return
	}
	token := strings.TrimSpace(r.PostFormValue("token"))
	if token == "" {
		content.TokenError = "Paste a token: the field is empty."
		u.showLogin(w, r, http.StatusBadRequest, content)
		return
	}
	signed, end, err := u.sessions.Issue(r.Context(), session.FromBearer, token)
	var rejected *auth.TokenError
	switch {
	case err == nil:
		session.SetCookie(w, r, session.IsSecure(r), signed, end)
		http.Redirect(w, r, content.Next, http.StatusSeeOther)
	case errors.As(err, &rejected):
		content.TokenError = "The token is not accepted: " + rejected.Reason + ". Check that all of it was copied, or get a new one."
		u.failLogin(w, r, http.StatusUnauthorized, content)
	default:
		u.fail(w, r, nil, err)
	}
}

// failLogin shows a login that has failed, and counts it.
func (u *UI) failLogin(w http.ResponseWriter, r *http.Request, status int, content loginPage) {
	if wait := u.attempts.Fail(r.RemoteAddr); wait > 0 {
		u.limitLogin(w, r, wait, content)
		return
	}
	u.showLogin(w, r, status, content)
}

// limitLogin shows that an address with too many failed logins must wait.
func (u *UI) limitLogin(w http.ResponseWriter, r *http.Request, wait time.Duration, content loginPage) {
	seconds := math.Ceil(wait.Seconds())
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	content.TokenError = ""
	content.Error = fmt.Sprintf("There were too many failed logins from your address. Try again in %.0f seconds.", seconds)
	u.showLogin(w, r, http.StatusTooManyRequests, content)
}

func (u *UI) logout(w http.ResponseWriter, r *http.Request) {
	for _, carried := range session.Carried(r) {
		u.sessions.End(carried)
	}
	session.RemoveCookies(w, r)
	http.Redirect(w, r, "/login?reason=logged-out", http.StatusSeeOther)
}

// localPath returns a path with its query if it is one of this server, and "/" otherwise.
func localPath(next string) string {
	target, err := url.Parse(next)
	if err != nil || target.IsAbs() || target.Host != "" || target.User != nil || !strings.HasPrefix(target.Path, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") || strings.HasPrefix(target.Path, "//") || strings.HasPrefix(target.Path, "/login") {
		return "/"
	}
	return target.RequestURI()
}

func (u *UI) crossOrigin(w http.ResponseWriter, r *http.Request) {
	u.render(w, r, http.StatusForbidden, "error", render.Page{Title: "Rejected", Content: render.Failure{
		Heading: "This form came from another site", Message: "The server accepts forms only from its own pages.", Advice: "Open the page here, and send the form again.",
	}})
}
