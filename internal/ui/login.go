package ui

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/ui/render"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

// loginPage is the content of the login.
type loginPage struct {
	// Next is the path to return to.
	Next  string
	Error string
	// Ended reports that an earlier session has ended.
	Ended bool
}

// maxTokenForm is the size of a login form: a token has at most 16 KiB.
const maxTokenForm = 64 << 10

func (u *UI) loginForm(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if _, err := u.authenticate(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // localPath leaves only paths of this server
		return
	}
	u.showLogin(w, r, http.StatusOK, loginPage{Next: next, Ended: r.URL.Query().Get("reason") == "ended"})
}

func (u *UI) showLogin(w http.ResponseWriter, r *http.Request, status int, content loginPage) {
	u.render(w, r, status, "login", render.Page{Title: "Log in", Content: content})
}

// login exchanges a token for a session.
func (u *UI) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	content := loginPage{Next: localPath(r.PostFormValue("next"))}
	if !session.IsLoopback(r) && strings.HasPrefix(r.Header.Get("Origin"), "http:") {
		content.Error = "Your browser keeps a session only over https. Open this page by https, or on the server's own machine by localhost."
		u.showLogin(w, r, http.StatusBadRequest, content)
		return
	}
	token := strings.TrimSpace(r.PostFormValue("token"))
	if token == "" {
		content.Error = "Paste a token: the field is empty."
		u.showLogin(w, r, http.StatusBadRequest, content)
		return
	}
	signed, end, err := u.sessions.Issue(r.Context(), token)
	var rejected *auth.TokenError
	switch {
	case err == nil:
		session.SetCookie(w, r, signed, end)
		http.Redirect(w, r, content.Next, http.StatusSeeOther)
	case errors.As(err, &rejected):
		if wait := u.attempts.Fail(r.RemoteAddr); wait > 0 {
			seconds := math.Ceil(wait.Seconds())
			w.Header().Set("Retry-After", fmt.Sprint(seconds))
			content.Error = fmt.Sprintf("There were too many failed logins from your address. Try again in %.0f seconds.", seconds)
			u.showLogin(w, r, http.StatusTooManyRequests, content)
			return
		}
		content.Error = "The token is not accepted: " + rejected.Reason + ". Check that all of it was copied, or get a new one."
		u.showLogin(w, r, http.StatusUnauthorized, content)
	default:
		u.fail(w, r, nil, err)
	}
}

func (u *UI) logout(w http.ResponseWriter, r *http.Request) {
	for _, carried := range session.Carried(r) {
		u.sessions.End(carried)
	}
	session.RemoveCookies(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
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
