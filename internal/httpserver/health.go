package httpserver

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// healthy reports that the process responds. It checks nothing else: a restart does not repair a database that is down.
func (h *handler) healthy(c echo.Context) error {
	return writeState(c, "ok")
}

// readyTimeout is the time that the database has for the check of /readyz.
const readyTimeout = 3 * time.Second

// ready reports whether the server can answer requests, or in general words what is missing (R3).
func (h *handler) ready(c echo.Context) error {
	var missing []string
	if isStopping(c.Request().Context()) {
		missing = append(missing, "the server is stopping")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
	defer cancel()
	databaseErr := h.Store.Ready(ctx)
	state := "ready"
	switch {
	case databaseErr == nil:
	case errors.Is(databaseErr, deployments.ErrReadOnly):
		state, databaseErr = "read-only", nil
	case errors.Is(databaseErr, deployments.ErrUnavailable), errors.Is(databaseErr, context.DeadlineExceeded):
		missing = append(missing, "the database cannot be reached")
	default:
		missing = append(missing, "the database's schema is not the one of this server")
	}
	keysErr := h.Verifier.Ready()
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
	return writeState(c, state)
}

func writeState(c echo.Context, state string) error {
	return writeBody(c, http.StatusOK, []byte(`{"status":"`+state+"\"}\n"))
}

// writeBody writes a JSON body with its length, which a HEAD request gets without the body (R4).
func writeBody(c echo.Context, status int, body []byte) error {
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}
