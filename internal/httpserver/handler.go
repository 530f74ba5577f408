package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// duties are what this server adds to the operations of the documents.
var duties = map[string]duty{
	"GET /v1/deployments":        {scope: auth.ReadDeployments, query: api.ListParameters, rules: api.ListRules},
	"POST /v1/deployments":       {scope: auth.WriteDeployments, headers: []string{idempotencyKey}, body: true},
	"POST /v1/deployments/batch": {scope: auth.WriteDeployments, body: true, partial: api.IsPartial},
}

// openRoutes need no token (R4). Every other route is an operation of the document and needs one.
var openRoutes = map[string]bool{
	"GET /openapi.yaml":           true,
	"GET /openapi.recording.yaml": true,
	"GET /healthz":                true,
	"GET /readyz":                 true,
}

// assembly is the handler under construction and what its middleware knows.
type assembly struct {
	Options
	echo       *echo.Echo
	documented routeTable
	operations map[string]*operation // by routeKey; those that are not implemented by their path in the document
	routes     map[string]bool       // of Echo, by routeKey
	methods    map[string][]string   // of a path of Echo
}

// New puts the handler together. It fails if a document is invalid, a route would have no protection, or a document
// says of an implemented operation what this program does not do.
func New(o Options) (http.Handler, error) {
	upstream, upstreamErr := readContract(o.Document)
	own, ownErr := readContract(o.RecordingDocument)
	if err := errors.Join(upstreamErr, ownErr); err != nil {
		return nil, err
	}
	documented, err := newRouteTable(upstream, own)
	if err != nil {
		return nil, err
	}
	a := &assembly{Options: o, echo: echo.New(), documented: documented, operations: map[string]*operation{}, routes: map[string]bool{}, methods: map[string][]string{}}
	e := a.echo
	e.HideBanner = true
	e.IPExtractor = echo.ExtractIPDirect() // a forwarded address is the client's claim, not a fact
	e.HTTPErrorHandler = answerProblem

	e.GET("/openapi.yaml", serveDocument(o.Document))
	e.GET("/openapi.recording.yaml", serveDocument(o.RecordingDocument))
	e.GET("/healthz", a.healthy)
	e.GET("/readyz", a.ready)
	now := o.Now
	if now == nil {
		now = time.Now
	}
	answers := api.New(o.Store, o.Paging, o.AutoCreate, now)
	server.RegisterHandlers(e, server.NewStrictHandler(answers, []server.StrictMiddlewareFunc{refuseEmptyAnswer[server.StrictHandlerFunc]}))
	recording.RegisterHandlers(e, recording.NewStrictHandler(answers, []recording.StrictMiddlewareFunc{refuseEmptyAnswer[recording.StrictHandlerFunc]}))

	if err := a.assignDuties(slices.Concat(upstream, own)); err != nil {
		return nil, err
	}

	// The order of judgement (R4). Echo has found the route when these run.
	e.Use(
		a.observe,
		middleware.RecoverWithConfig(middleware.RecoverConfig{
			DisableStackAll:     true, // the others' stacks say nothing of this failure
			DisableErrorHandler: true,
			LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
				return &api.Problem{Status: http.StatusInternalServerError, Message: "an internal error occurred", Cause: fmt.Errorf("panic: %w\n%s", err, stack)}
			},
		}),
		a.limitHeader,
		a.judgeRoute,
		a.deadline,
		a.protect,
	)
	return e, nil
}

// assignDuties finds for each of Echo's routes the operation that it is, and what it needs.
func (a *assembly) assignDuties(operations []*operation) error {
	byRoute := make(map[string]*operation)
	for _, o := range operations {
		byRoute[o.echoKey()] = o
	}
	for _, route := range a.echo.Routes() {
		key := routeKey(route.Method, route.Path)
		a.routes[key] = true
		a.methods[route.Path] = append(a.methods[route.Path], route.Method)
		if openRoutes[key] {
			continue
		}
		duty, known := duties[key]
		if byRoute[key] == nil || !known {
			return fmt.Errorf("the route %s is not in a contract, or nobody says what it needs (duties in internal/httpserver/handler.go)", key)
		}
		a.operations[key] = byRoute[key]
		a.operations[key].implemented, a.operations[key].duty = true, duty
	}
	var undecided []string
	for _, o := range operations {
		if o.implemented {
			undecided = append(undecided, o.undecided()...)
			continue
		}
		a.operations[routeKey(o.route.Method, o.route.Path)] = o
	}
	if len(undecided) > 0 {
		return fmt.Errorf("the contract says what this program does not do:\n%s", strings.Join(undecided, "\n"))
	}
	return nil
}

// judgeRoute answers 404 and 405 before anything else is asked. Echo's own answer to OPTIONS would be a 204.
func (a *assembly) judgeRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		method, path := c.Request().Method, echo.GetPath(c.Request())
		o, documented := a.documented.find(method, path)
		if o != nil && !o.implemented {
			// A path of Echo's that is less concrete must not answer for it.
			c.SetPath(o.route.Path)
			return next(c)
		}
		if a.routes[routeKey(method, c.Path())] {
			return next(c)
		}
		methods := slices.Concat(a.methods[c.Path()], documented)
		if slices.Sort(methods); len(methods) > 0 {
			methods = slices.Compact(methods)
			return &api.Problem{
				Status:  http.StatusMethodNotAllowed,
				Message: deployments.QuoteName(c.Request().Method) + " is not a method of this path",
				Allow:   strings.Join(methods, ", "),
			}
		}
		return &api.Problem{Status: http.StatusNotFound, Message: "there is nothing at this path"}
	}
}

// limitHeader answers 431. A header beyond twice the limit net/http refuses itself.
func (a *assembly) limitHeader(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		size := len(r.RequestURI)
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(value) + len(": \r\n")
			}
		}
		if size > a.Limits.HeaderBytes {
			return &api.Problem{
				Status:  http.StatusRequestHeaderFieldsTooLarge,
				Message: fmt.Sprintf("the request's line and header have more than %d bytes", a.Limits.HeaderBytes),
			}
		}
		return next(c)
	}
}

// deadline bounds the time for an answer, down to the database.
func (a *assembly) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), a.Limits.Handle)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// protect judges who asks, and then what is asked, for every route that is not open.
func (a *assembly) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := routeKey(c.Request().Method, c.Path())
		if openRoutes[key] {
			return next(c)
		}
		operation := a.operations[key]
		if !operation.implemented {
			return a.refuseUnimplemented(c.Request(), operation)
		}
		principal, err := a.authenticate(c.Request())
		if err != nil {
			return err
		}
		if err := authorize(principal, operation.scope); err != nil {
			return err
		}
		if err := a.limitBody(c); err != nil {
			return err
		}
		request, err := operation.validate(c.Request())
		if err != nil {
			return err
		}
		c.SetRequest(request.WithContext(api.WithCaller(request.Context(), callerOf(principal))))
		return next(c)
	}
}

// limitBody answers 413 to a body that says it is too large, and cuts off one that does not say.
func (a *assembly) limitBody(c echo.Context) error {
	r := c.Request()
	if r.ContentLength > a.Limits.BodyBytes {
		return &api.Problem{
			Status:  http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("the body has more than %d bytes", a.Limits.BodyBytes),
		}
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, a.Limits.BodyBytes)
	return nil
}

var errEmptyAnswer = errors.New("a handler gave neither an answer nor an error")

// refuseEmptyAnswer turns "return nil, nil", which would go out as an empty 200, into an error. It is middleware of
// every generated package, whose types for it differ in name only.
func refuseEmptyAnswer[Handler ~func(echo.Context, any) (any, error)](next Handler, _ string) Handler {
	return func(c echo.Context, request any) (any, error) {
		answer, err := next(c, request)
		if answer == nil && err == nil {
			return nil, errEmptyAnswer
		}
		return answer, err
	}
}

// answerProblem is where every failure gets its body: validation, binding, authentication, routing, handlers,
// panics and timeouts all end here (R3).
func answerProblem(err error, c echo.Context) {
	if c.Response().Committed {
		return // too late for another answer; the client sees that this one is cut off
	}
	problem := problemOf(err)
	problem.Header(c.Response().Header())
	c.Response().WriteHeader(problem.Status)
	_, _ = c.Response().Write(problem.Body())
}

// problemOf knows Echo's errors, which api does not.
func problemOf(err error) *api.Problem {
	var (
		problem *api.Problem
		echoErr *echo.HTTPError
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &problem):
	case errors.As(err, &tooLong):
		err = &api.Problem{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body has more than %d bytes", tooLong.Limit)}
	case errors.As(err, &echoErr) && echoErr.Code == http.StatusBadRequest:
		// The generated binder: validation lets nothing through that it refuses, but what it says is the client's.
		err = &api.Problem{Status: http.StatusBadRequest, Message: "the request has a fault", Details: []string{fmt.Sprint(echoErr.Message)}}
	}
	return api.ProblemOf(err)
}
