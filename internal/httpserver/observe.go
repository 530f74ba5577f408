package httpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
)

// requestID matches the request ids of clients and proxies that the server adopts.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// observe gives the request an id, sets the headers of every response, and reports the end of the request.
func (h *handler) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if h.Observer != nil {
			h.Observer.RequestBegan()
		}
		// The middleware below replaces the request's context by one that ends earlier.
		connection := c.Request().Context()
		id := h.setHeaders(c)
		hungUp := false
		if err := next(c); err != nil {
			hungUp = clientHungUp(connection, err)
			problem := problemOf(err)
			h.paused.pause(connection, c.Request(), problem)
			if problem.Status >= http.StatusInternalServerError && !hungUp {
				h.logFailure(c, id, problem.Status, err)
			}
			c.Error(err) // writes the response, whose status is logged below
		}
		h.end(c, id, hungUp, time.Since(start))
		return nil
	}
}

// setHeaders sets the headers of every response, and returns the id of the request.
func (h *handler) setHeaders(c echo.Context) (id string) {
	id = c.Request().Header.Get(echo.HeaderXRequestID)
	if !requestID.MatchString(id) {
		id = rand.Text()
	}
	header := c.Response().Header()
	header.Set(echo.HeaderXRequestID, id)
	header.Set("Cache-Control", "no-store") // R2
	header.Set("X-Content-Type-Options", "nosniff")
	if isStopping(c.Request().Context()) {
		header.Set("Connection", "close") // the client's next request goes to another server
	}
	if h.Now != nil {
		header.Set("Date", h.Now().UTC().Format(http.TimeFormat)) // by default net/http sets it
	}
	return id
}

func (h *handler) logFailure(c echo.Context, id string, status int, err error) {
	attrs := []slog.Attr{slog.String("request_id", id), slog.Int("status", status), slog.Any("error", err)}
	if trace := traceID(c.Request()); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	h.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed", attrs...)
}

// end reports the end of a request to the log, the metrics and the trace. The log has the route and not the query, which has the
// tenant's names.
func (h *handler) end(c echo.Context, id string, hungUp bool, duration time.Duration) {
	status := c.Response().Status
	if hungUp {
		status = statusHungUp
	}
	route := c.Path()
	if _, ok := h.methods[route]; !ok && h.operations[routeKey(c.Request().Method, route)] == nil {
		route = "none"
	}
	if h.Observer != nil {
		h.Observer.RequestEnded(route, knownMethod(c.Request().Method), status, duration)
	}
	describeSpan(c, route)
	attrs := [...]slog.Attr{
		slog.String("request_id", id),
		slog.String("method", c.Request().Method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("duration", duration),
		slog.String("client", c.RealIP()),
		{}, // ignored unless the request belongs to a trace
	}
	if trace := traceID(c.Request()); trace != "" {
		attrs[len(attrs)-1] = slog.String("trace_id", trace)
	}
	h.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", attrs[:]...)
}

// statusHungUp is logged for a client that did not wait for its response, as proxies do. It is never sent.
const statusHungUp = 499

// clientHungUp reports whether a request failed because its client closed the connection, before or while the response was
// written. Other errors are the server's, even if the client has gone.
func clientHungUp(connection context.Context, err error) bool {
	if !errors.Is(context.Cause(connection), context.Canceled) { // errCutOff if the server closed the connection
		return false
	}
	var network *net.OpError
	unwritten := errors.As(err, &network) && network.Op == "write" && !network.Timeout()
	return unwritten || errors.Is(err, context.Canceled)
}
