package ui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/render"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

var (
	errNoSession    = errors.New("the request has neither a bearer token nor a session")
	errSessionEnded = errors.New("the session has ended")
	errNoScope      = errors.New("the bearer token does not have the scope " + string(auth.ReadDeployments))
)

// forViewer serves a page to those who are logged in, and sends others to the login.
func (u *UI) forViewer(serve func(http.ResponseWriter, *http.Request, render.Viewer) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := u.authenticate(r)
		var rejected *auth.TokenError
		switch {
		case err == nil:
			if err = u.Allow(v.Organization, v.Subject); err == nil {
				err = serve(w, r, v)
			}
			if err != nil {
				u.fail(w, r, &v, err)
			}
		case errors.Is(err, errNoSession):
			u.toLogin(w, r, "")
		case errors.Is(err, errSessionEnded):
			session.RemoveCookies(w, r)
			u.toLogin(w, r, "ended")
		case errors.As(err, &rejected):
			u.rejectProxy(w, r, http.StatusUnauthorized, rejected.Reason)
		case errors.Is(err, errNoScope):
			u.rejectProxy(w, r, http.StatusForbidden, err.Error())
		default:
			u.fail(w, r, nil, err)
		}
	})
}

// rejectProxy shows that the bearer token of a request does not open the pages.
func (u *UI) rejectProxy(w http.ResponseWriter, r *http.Request, status int, reason string) {
	u.render(w, r, status, "error", render.Page{Title: "Not logged in", Content: render.Failure{
		Heading: "Your proxy's token is not accepted", Message: reason + ".", Advice: "Ask the people who run the proxy in front of this server.",
	}})
}

// authenticate returns the viewer of a request. A bearer token, which only a proxy or a program sends, takes precedence.
func (u *UI) authenticate(r *http.Request) (render.Viewer, error) {
	token, err := auth.BearerToken(r.Header)
	switch {
	case err == nil:
		principal, err := u.Verifier.Verify(r.Context(), token)
		if err != nil {
			return render.Viewer{}, err
		}
		if !principal.Allows(auth.ReadDeployments) {
			return render.Viewer{}, errNoScope
		}
		return render.Viewer{Scope: deployments.Scope{Organization: principal.Organization, Project: principal.Project}, Subject: principal.Subject}, nil
	case !errors.Is(err, auth.ErrNoToken):
		return render.Viewer{}, err
	}
	carried := session.Carried(r)
	if len(carried) == 0 {
		return render.Viewer{}, errNoSession
	}
	credential, err := u.sessions.Verify(carried[0])
	if _, rejected := errors.AsType[*auth.TokenError](err); rejected {
		return render.Viewer{}, errSessionEnded
	}
	if err != nil {
		return render.Viewer{}, err
	}
	return render.Viewer{
		Scope: deployments.Scope{Organization: credential.Organization, Project: credential.Project}, Subject: credential.Subject, HasSession: true,
	}, nil
}

// toLogin redirects to the login, which returns to this page.
func (u *UI) toLogin(w http.ResponseWriter, r *http.Request, reason string) {
	values := url.Values{}
	if next := r.URL.RequestURI(); next != "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		values.Set("next", next)
	}
	if reason != "" {
		values.Set("reason", reason)
	}
	http.Redirect(w, r, filters.Link("/login", values), http.StatusSeeOther)
}
