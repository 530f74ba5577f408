package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
)

// handleError writes the response of every error: of routing, authentication, validation, binding, handlers, panics and
// timeouts (R3).
func (h *handler) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return // the response has begun, and the client sees that it is cut off
	}
	problem := problemOf(err)
	if h.notFoundPage(c, problem) {
		return
	}
	problem.Header(c.Response().Header())
	_ = writeBody(c, problem.Status, problem.Body()) // fails if the client has gone
}

// problemOf adds Echo's and net/http's errors to those that api knows.
func problemOf(err error) *api.Problem {
	var (
		problem *api.Problem
		echoErr *echo.HTTPError
		tooLong *http.MaxBytesError
		keysErr *auth.KeysError
	)
	switch {
	case errors.As(err, &problem):
	case errors.As(err, &keysErr):
		err = keysProblem(keysErr)
	case errors.As(err, &tooLong):
		err = bodyTooLarge(tooLong.Limit)
	case errors.As(err, &echoErr) && echoErr.Code == http.StatusBadRequest:
		// The generated binder rejected what validation let through: a number such as 1e0, for example.
		violation := fmt.Sprint(echoErr.Message)
		if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			violation = fmt.Sprintf("%s: %s is not an integer in digits", wrongType.Field, strings.TrimPrefix(wrongType.Value, "number "))
		}
		err = api.BadRequest([]string{violation})
	}
	return api.ProblemOf(err)
}

// WriteError writes the response to an error of openapi.Checker, or to one of the packages that the handler knows (R3). It reports the
// status.
func WriteError(w http.ResponseWriter, err error) int {
	problem := problemOf(err)
	problem.Header(w.Header())
	w.WriteHeader(problem.Status)
	_, _ = w.Write(problem.Body()) // fails if the client has gone
	return problem.Status
}
