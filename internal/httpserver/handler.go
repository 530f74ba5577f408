package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/ui"
)

// handler has what the middleware needs.
type handler struct {
	Options
	bodies     *bodies.Budget
	rates      *rateLimit
	paused     pacer
	documented openapi.Table
	operations map[string]*openapi.Operation // by openapi.Key; unimplemented ones by their documented path
	routes     map[string]bool               // Echo's, by openapi.Key
	methods    map[string][]string           // by Echo's path
	public     map[string]bool               // PublicRoutes and the pages
	pages      *ui.UI                        // nil without pages
}

// New returns the server's handler. It fails if a document is invalid, or if a route is not public and is missing in the
// documents or in Endpoints: nothing would protect it.
func New(o Options) (http.Handler, error) {
	documents := o.Documents
	if documents == nil {
		var err error
		if documents, err = openapi.ReadDocuments(o.Document, o.RecordingDocument); err != nil {
			return nil, err
		}
	}
	if o.LargeBodies == nil {
		o.LargeBodies = admission.NewLargeBodyGate(defaultWait)
	}
	h := &handler{
		Options:    o,
		bodies:     bodies.NewBudget(o.Limits.TotalBodyBytes, o.LargeBodies),
		rates:      newRateLimit(o.Limits.Rate),
		documented: openapi.NewTable(documents.Upstream, documents.Own),
		operations: map[string]*openapi.Operation{},
		routes:     map[string]bool{},
		methods:    map[string][]string{},
		public:     maps.Clone(PublicRoutes),
	}
	e := echo.New()
	e.HideBanner = true
	e.IPExtractor = echo.ExtractIPDirect() // a forwarded address is the client's claim
	e.HTTPErrorHandler = h.handleError
	e.JSONSerializer = serializer{}

	for path, serve := range map[string]echo.HandlerFunc{
		"/openapi.yaml":           h.serveDocument(o.Document),
		"/openapi.local.yaml":     h.serveLocalDocument(o.Document),
		"/openapi.recording.yaml": h.serveDocument(o.RecordingDocument),
		"/healthz":                h.healthy,
		"/readyz":                 h.ready,
	} {
		e.Match(publicMethods, path, serve)
	}
	implementation := api.New(o.Store, o.Paging, o.AutoCreate)
	server.RegisterHandlers(e, server.NewStrictHandler(implementation, []server.StrictMiddlewareFunc{requireResponse[server.StrictHandlerFunc]}))
	recording.RegisterHandlers(e, recording.NewStrictHandler(implementation, []recording.StrictMiddlewareFunc{requireResponse[recording.StrictHandlerFunc]}))

	if err := h.addPages(e); err != nil {
		return nil, err
	}
	if err := h.addRoutes(e.Routes(), slices.Concat(documents.Upstream, documents.Own)); err != nil {
		return nil, err
	}

	// The order of checks (R4). Echo has found the route when these run.
	e.Use(
		h.observe,
		middleware.RecoverWithConfig(middleware.RecoverConfig{
			DisableStackAll:     true, // the stacks of other requests do not explain this panic
			DisableErrorHandler: true,
			LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
				return &api.Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: fmt.Errorf("panic: %w\n%s", err, stack)}
			},
		}),
		h.cors,
	)
	if o.Gzip { // Echo allocates for each middleware of a request
		e.Use(h.compress)
	}
	if o.Intercept != nil {
		e.Use(h.intercept)
	}
	e.Use(
		h.limitHeader,
		h.matchRoute,
		h.deadline,
		h.protect,
	)
	return e, nil
}

// addRoutes matches Echo's routes with the documents' operations.
func (h *handler) addRoutes(routes []*echo.Route, operations []*openapi.Operation) error {
	implemented := make(map[string]*openapi.Operation)
	for _, o := range operations {
		if o.Endpoint != nil {
			implemented[echoKey(o)] = o
		} else {
			h.operations[routeKey(o.Route.Method, o.Route.Path)] = o
		}
	}
	for _, route := range routes {
		key := routeKey(route.Method, route.Path)
		h.routes[key] = true
		h.methods[route.Path] = append(h.methods[route.Path], route.Method)
		if h.public[key] {
			continue
		}
		if implemented[key] == nil {
			return fmt.Errorf("the route %s is in no OpenAPI document or has no entry in Endpoints (internal/httpserver/openapi/endpoints.go)", key)
		}
		h.operations[key] = implemented[key]
	}
	return nil
}

// intercept answers a request with the error of Intercept.
func (h *handler) intercept(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := h.Intercept(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

// limitHeader rejects long headers with a 431. net/http itself rejects a header beyond twice the limit.
func (h *handler) limitHeader(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		size := len(r.RequestURI)
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(value) + len(": \r\n")
			}
		}
		if size > h.Limits.HeaderBytes {
			return &api.Problem{
				Status:  http.StatusRequestHeaderFieldsTooLarge,
				Message: fmt.Sprintf("the request's line and header have more than %d bytes", h.Limits.HeaderBytes),
			}
		}
		return next(c)
	}
}

// matchRoute rejects unknown paths and methods before the caller is authenticated. Echo itself would answer OPTIONS with
// a 204. OPTIONS * asks about the server as a whole and gets a 204 (R4).
func (h *handler) matchRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		method, path := c.Request().Method, echo.GetPath(c.Request())
		if method == http.MethodOptions && c.Request().RequestURI == "*" {
			return c.NoContent(http.StatusNoContent)
		}
		o, documented := h.documented.Find(method, path)
		if o != nil && o.Endpoint == nil {
			// The documented path may be more concrete than the one that Echo found.
			c.SetPath(o.Route.Path)
			return next(c)
		}
		if h.routes[routeKey(method, c.Path())] {
			return next(c)
		}
		return openapi.NoRoute(method, slices.Concat(h.methods[c.Path()], documented))
	}
}

// deadline limits the time for a response, down to the database.
func (h *handler) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), h.Limits.Handle)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// protect authenticates, authorizes and validates every request for a route that is not public.
func (h *handler) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := routeKey(c.Request().Method, c.Path())
		if h.public[key] {
			return next(c)
		}
		o := h.operations[key]
		if o.Endpoint == nil {
			return h.rejectUnsupported(c.Request(), o)
		}
		caller, err := h.authorize(c.Request(), o.Endpoint.Scope)
		if err != nil {
			return err
		}
		if err := h.rates.allow(caller.Organization, caller.Client); err != nil {
			return err
		}
		if err := h.limitBody(c, o.Endpoint); err != nil {
			return err
		}
		held := h.bodies.Body(caller.Organization)
		defer held.Release()
		request, err := o.Validate(c.Request(), h.RejectUnknownParameters, held)
		if err != nil {
			return err
		}
		c.SetRequest(request.WithContext(api.WithCaller(request.Context(), caller)))
		return next(c)
	}
}

// limitBody rejects a body that declares too many bytes with a 413, and cuts off one that does not declare them.
func (h *handler) limitBody(c echo.Context, endpoint *openapi.Endpoint) error {
	r, limit := c.Request(), h.Limits.BodyBytes
	if endpoint.BodyBytes > 0 {
		limit = min(limit, endpoint.BodyBytes)
	}
	if r.ContentLength > limit {
		if r.Header.Get("Expect") == "" {
			// A client that still sends reads no response.
			_, _ = io.CopyN(io.Discard, r.Body, h.Limits.BodyBytes)
		}
		return bodyTooLarge(limit)
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
	return nil
}

func bodyTooLarge(limit int64) *api.Problem {
	return &api.Problem{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body has more than %d bytes", limit)}
}

var errNoResponse = errors.New("the handler returned neither a response nor an error")

// requireResponse turns "return nil, nil", which generated code would send as an empty 200, into an error. The two
// generated packages have a handler type each.
func requireResponse[Handler ~func(echo.Context, any) (any, error)](next Handler, _ string) Handler {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		if response == nil && err == nil {
			return nil, errNoResponse
		}
		return response, err
	}
}
