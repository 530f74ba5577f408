package httpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// What operators see of the server: the document, health, and a line in the log for each request.

// serveDocument answers with a document, to the byte.
func serveDocument(document []byte) echo.HandlerFunc {
	return func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", document)
	}
}

// healthy says that the process answers; it asks nobody else, so that a database that is down does not get the
// server restarted.
func (a *assembly) healthy(c echo.Context) error {
	return answerState(c, "ok")
}

// readyTimeout is how long the database may take to say that it is there.
const readyTimeout = 3 * time.Second

// ready says whether requests can be answered, and in general words what is missing (R3).
func (a *assembly) ready(c echo.Context) error {
	var missing []string
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
	defer cancel()
	databaseErr := a.Store.Ready(ctx)
	switch {
	case databaseErr == nil:
	case errors.Is(databaseErr, deployments.ErrUnavailable), errors.Is(databaseErr, context.DeadlineExceeded):
		missing = append(missing, "the database cannot be reached")
	default:
		missing = append(missing, "the database's schema is not the one of this server")
	}
	keysErr := a.Verifier.Ready()
	if keysErr != nil {
		missing = append(missing, "the keys for tokens are not loaded")
	}
	if len(missing) > 0 {
		return &api.Problem{
			Status:     http.StatusServiceUnavailable,
			Message:    "not ready: " + strings.Join(missing, "; "),
			RetryAfter: 5 * time.Second,
			Cause:      errors.Join(databaseErr, keysErr),
		}
	}
	return answerState(c, "ready")
}

func answerState(c echo.Context, state string) error {
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write([]byte(`{"status":"` + state + "\"}\n"))
	return err
}

// requestID is what a client's or a proxy's id must look like to be taken over into the log.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// observe names the request, sets the headers that every answer has, and logs how it ended. The log has the route
// and not the query: names in it are the tenant's own.
func (a *assembly) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		// The middleware below gives the request contexts that end before it does.
		connection := c.Request().Context()
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !requestID.MatchString(id) {
			id = rand.Text()
		}
		header := c.Response().Header()
		header.Set(echo.HeaderXRequestID, id)
		header.Set("Cache-Control", "no-store") // R2
		header.Set("X-Content-Type-Options", "nosniff")
		if a.Now != nil {
			header.Set("Date", a.Now().UTC().Format(http.TimeFormat)) // else net/http's
		}
		gone := false
		if err := next(c); err != nil {
			gone = hungUp(connection, err)
			if status := problemOf(err).Status; status >= http.StatusInternalServerError && !gone {
				a.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
					slog.String("request_id", id), slog.Int("status", status), slog.Any("error", err))
			}
			c.Error(err) // writes the answer, so that the line below has its status
		}
		status := c.Response().Status
		if gone {
			status = statusHungUp
		}
		route := c.Path()
		if _, ok := a.methods[route]; !ok && a.operations[routeKey(c.Request().Method, route)] == nil {
			route = "none"
		}
		a.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "request",
			slog.String("request_id", id),
			slog.String("method", c.Request().Method),
			slog.String("route", route),
			slog.Int("status", status),
			slog.Int64("bytes", c.Response().Size),
			slog.Duration("duration", time.Since(start)),
			slog.String("client", c.RealIP()))
		return nil
	}
}

// statusHungUp is the log's word for a client that did not wait for the end of its answer. Proxies log the same; no
// client is told it.
const statusHungUp = 499

// hungUp tells whether a request failed because its client ended the connection, while the answer was sought or written.
// An error that has nothing to do with that is the server's, whether or not somebody is there to be told; but of the
// database's nobody can say what the end of the connection caused, and they count as its.
func hungUp(connection context.Context, err error) bool {
	if !errors.Is(context.Cause(connection), context.Canceled) { // of a connection that the server cut off, errCutOff
		return false
	}
	var network *net.OpError
	unwritten := errors.As(err, &network) && network.Op == "write" && !network.Timeout()
	return unwritten || errors.Is(err, context.Canceled)
}
