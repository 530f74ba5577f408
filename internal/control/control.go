// Package control serves the control API, by which tests steer sandboxes: it translates between the control document and the
// packages sandbox, faults and journal.
package control

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/generated/control/server"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

const (
	// maxJSONBytes limits a JSON body, maxRecordsBytes one with records.
	maxJSONBytes    = 1 << 20
	maxRecordsBytes = 64 << 20
	// maxBodiesBytes limits all bodies: two of the largest are received at once, since they take half of it.
	maxBodiesBytes = 4 * maxRecordsBytes
)

// documentPath is where the document is served. The document does not have it, as with the other documents.
const documentPath = "/openapi.control.yaml"

// New returns the handler of the control API for the sandboxes. With allowRemote, clients may reach it by every IP address.
func New(sandboxes *sandbox.Set, allowRemote bool, logger *slog.Logger) (http.Handler, error) {
	checker, err := openapi.NewChecker(contract.ControlOpenAPI(), maxBodiesBytes)
	if err != nil {
		return nil, err
	}
	fail := func(w http.ResponseWriter, r *http.Request, err error) {
		if status := httpserver.WriteError(w, translate(err)); status >= http.StatusInternalServerError && status != http.StatusGatewayTimeout {
			logger.LogAttrs(r.Context(), slog.LevelError, "control request failed", slog.String("request_id", w.Header().Get("X-Request-Id")), slog.Any("error", err))
		}
	}
	strict := server.NewStrictHandlerWithOptions(&operations{sandboxes}, nil, server.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: fail, ResponseErrorHandlerFunc: fail,
	})
	routes := http.NewServeMux()
	server.HandlerWithOptions(strict, server.StdHTTPServerOptions{BaseRouter: routes, ErrorHandlerFunc: fail})

	document := httpserver.NewDocumentHandler(contract.ControlOpenAPI())
	protection := http.NewCrossOriginProtection() // pages of the browser must not steer sandboxes
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if err := checkHost(r, allowRemote); err != nil {
			fail(w, r, err)
			return
		}
		if err := protection.Check(r); err != nil {
			fail(w, r, &api.Problem{Status: http.StatusForbidden, Message: "a page of another origin cannot use the control API", Details: []string{err.Error()}})
			return
		}
		if r.URL.Path == documentPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			document.ServeHTTP(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		checked, err := checker.Check(r)
		if err != nil {
			fail(w, r, err)
			return
		}
		routes.ServeHTTP(w, checked)
	}), nil
}

// setHeaders sets the headers of every response, as those of the API.
func setHeaders(header http.Header) {
	header.Set("X-Request-Id", rand.Text())
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
}

// bodyLimit returns the limit of a request's body.
func bodyLimit(r *http.Request) int64 {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && mediaType == recordsType {
		return maxRecordsBytes
	}
	return maxJSONBytes
}

// tooManyRetryAfter is the time after which sandboxes or faults may have ended.
const tooManyRetryAfter = time.Second

// translate returns an error that httpserver.WriteError knows.
func translate(err error) error {
	var (
		invalid    sandbox.ViolationsError
		file       *fixture.FileError
		parameter  *server.InvalidParamFormatError
		conflict   = errors.Is(err, sandbox.ErrMain)
		isUnknown  = errors.Is(err, sandbox.ErrUnknown)
		isTooMany  = errors.Is(err, sandbox.ErrTooMany) || errors.Is(err, faults.ErrTooMany)
		fileErr    = errors.As(err, &file)
		isBadParam = errors.As(err, &parameter)
	)
	switch {
	case errors.Is(err, faults.ErrClosed):
		return &api.Problem{Status: http.StatusServiceUnavailable, Message: err.Error(), RetryAfter: tooManyRetryAfter}
	case errors.As(err, &invalid):
		var details []string
		for _, violation := range invalid {
			details = append(details, violation.String())
		}
		return api.BadRequest(details)
	case fileErr:
		return recordsProblem(file)
	case isBadParam:
		return api.BadRequest([]string{parameter.ParamName + ": is not a value of its type"})
	case isUnknown:
		return &api.Problem{Status: http.StatusNotFound, Message: sandbox.ErrUnknown.Error()}
	case conflict:
		return &api.Problem{Status: http.StatusConflict, Message: err.Error()}
	case isTooMany:
		return &api.Problem{Status: http.StatusTooManyRequests, Message: err.Error(), RetryAfter: tooManyRetryAfter}
	}
	return err
}

// recordsProblem is the import's answer to invalid records.
func recordsProblem(file *fixture.FileError) *api.Problem {
	invalid, ok := errors.AsType[*deployments.ImportError](file.Err)
	if !ok {
		return api.BadRequest([]string{"body: " + file.Err.Error()})
	}
	var details []string
	for _, violation := range invalid.Violations {
		details = append(details, violation.Error())
	}
	problem := api.BadRequest(details)
	problem.Message = "the records have faults; nothing was loaded"
	if invalid.More {
		problem.Message += "; there may be more: reading stopped here"
	}
	return problem
}

// unknown is the error of an organization that no sandbox has.
func unknown(what, name string) error {
	return &api.Problem{Status: http.StatusNotFound, Message: fmt.Sprintf("there is no %s %s", what, deployments.Quote(name))}
}
