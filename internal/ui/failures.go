package ui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// render writes a page.
func (u *UI) render(w http.ResponseWriter, r *http.Request, status int, name string, p render.Page) {
	if err := u.renderer.Render(w, r, status, name, p); err != nil {
		u.Logger.Error("cannot render a page", "page", name, "error", err)
		http.Error(w, "an internal error occurred", http.StatusInternalServerError)
	}
}

// retryAfter is how long an error page waits until it loads itself again.
const retryAfter = 5 * time.Second

// fail shows the page of an error. While the server cannot answer, the page loads itself again.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, v *render.Viewer, err error) {
	status, message, wait := u.Describe(err)
	content := render.Failure{Heading: "This page cannot be shown", Message: message + "."}
	switch {
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests || status == http.StatusGatewayTimeout:
		seconds := math.Ceil(max(wait, retryAfter).Seconds())
		content.Heading, content.Retries = "The server cannot answer right now", true
		content.Advice = fmt.Sprintf("This page tries again every %.0f seconds.", seconds)
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		w.Header().Set("Refresh", fmt.Sprint(seconds))
	case status >= http.StatusInternalServerError:
		content.Advice = "The log of the server has the reason, under the request id " + w.Header().Get("X-Request-Id") + "."
	}
	hungUp := errors.Is(context.Cause(r.Context()), context.Canceled)
	if status >= http.StatusInternalServerError && !hungUp {
		u.Logger.Error("cannot answer a page", "request_id", w.Header().Get("X-Request-Id"), "status", status, "error", err)
	}
	u.render(w, r, status, "error", render.Page{Title: content.Heading, Viewer: v, Content: content})
}

// NotFound shows that there is no page at a path.
func (u *UI) NotFound(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	var known *render.Viewer
	if v, err := u.authenticate(r); err == nil {
		known = &v
	}
	u.render(w, r, http.StatusNotFound, "error", render.Page{Title: "Not found", Viewer: known, Content: render.Failure{
		Heading: "There is no page here", Message: "The address may be misspelled, or the page was moved.", Advice: "Start from the matrix, or search above.",
	}})
}
