package httpserver

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui"
)

// addPages adds the routes of the pages, which authenticate their viewers themselves.
func (h *handler) addPages(e *echo.Echo) error {
	if h.UI == nil {
		return nil
	}
	options := *h.UI
	options.Store, options.Verifier, options.Paging = h.Store, h.Verifier, h.Paging
	options.ParseQuery, options.Describe = h.parsePageQuery, describe
	options.Allow = h.rates.allow
	options.Now, options.Logger = h.Now, h.Logger
	pages, err := ui.New(options)
	if err != nil {
		return err
	}
	h.pages = pages
	for path, methods := range pages.Routes() {
		e.Match(methods, path, echo.WrapHandler(pages))
		for _, method := range methods {
			h.public[routeKey(method, path)] = true
		}
	}
	return nil
}

// listing is the operation whose parameters the pages have.
var listing = routeKey(http.MethodGet, "/v1/deployments")

// parsePageQuery reads a query as GET /v1/deployments does. It ignores parameters that the document does not name: pages have some of
// their own.
func (h *handler) parsePageQuery(raw string) (deployments.Query, []string, error) {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/v1/deployments", RawQuery: raw}, Header: http.Header{}, Body: http.NoBody}
	_, err := h.operations[listing].Validate(r, false, nil)
	if err == nil {
		var query deployments.Query
		if query, err = api.ParseListQuery(r.URL.Query(), h.Paging); err == nil {
			return query, nil, nil
		}
	}
	if problem, ok := errors.AsType[*api.Problem](err); ok && problem.Status == http.StatusBadRequest {
		return deployments.Query{}, problem.Details, nil
	}
	return deployments.Query{}, nil, err
}

// describe returns what the pages show of an error.
func describe(err error) (status int, message string, retryAfter time.Duration) {
	problem := problemOf(err)
	return problem.Status, problem.Message, problem.RetryAfter
}

// notFoundPage answers a request of a browser for an unknown path. It reports false for other clients, and for paths of the API.
func (h *handler) notFoundPage(c echo.Context, problem *api.Problem) bool {
	path := c.Request().URL.Path
	if h.pages == nil || problem.Status != http.StatusNotFound || path == "/v1" || strings.HasPrefix(path, "/v1/") || !acceptsHTML(c.Request().Header) {
		return false
	}
	h.pages.NotFound(c.Response(), c.Request())
	return true
}

// acceptsHTML reports whether Accept names text/html.
func acceptsHTML(header http.Header) bool {
	for _, line := range header.Values("Accept") {
		for item := range strings.SplitSeq(line, ",") {
			if name, parameters, err := mime.ParseMediaType(item); err == nil && name == "text/html" && parameters["q"] != "0" {
				return true
			}
		}
	}
	return false
}
