package httpserver

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// authorize returns the caller of a request whose token grants the scope, or a 401 or 403.
func (h *handler) authorize(r *http.Request, scope auth.Scope) (api.Caller, error) {
	principal, err := h.authenticate(r)
	if err != nil {
		return api.Caller{}, err
	}
	if !principal.Allows(scope) {
		return api.Caller{}, &api.Problem{
			Status:       http.StatusForbidden,
			Message:      "the token does not allow this",
			Details:      []string{"scope: " + string(scope) + " is missing"},
			Authenticate: fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, scope),
		}
	}
	return api.Caller{
		Scope:  deployments.Scope{Organization: principal.Organization, Project: principal.Project},
		Client: principal.Client(),
	}, nil
}

// authenticate verifies the request's bearer token, or returns a 401, or a 503 while the token's key may still be fetched.
// Only a request with a token gets error="invalid_token" (R4).
func (h *handler) authenticate(r *http.Request) (auth.Principal, error) {
	token, err := auth.BearerToken(r.Header)
	if err == nil {
		var principal auth.Principal
		if principal, err = h.Verifier.Verify(r.Context(), token); err == nil {
			return principal, nil
		}
	}
	problem := &api.Problem{Status: http.StatusUnauthorized, Message: "a bearer token is needed", Authenticate: "Bearer"}
	var tokenErr *auth.TokenError
	switch {
	case errors.Is(err, auth.ErrNoToken):
	case errors.As(err, &tokenErr):
		problem.Message = "the token is not accepted"
		problem.Details = []string{tokenErr.Reason}
		problem.Authenticate = `Bearer error="invalid_token"`
	default:
		return auth.Principal{}, fmt.Errorf("authenticate: %w", err) // of keys, among others
	}
	return auth.Principal{}, problem
}

// keysProblem is the 503 while the key of a token cannot be fetched: the token may be good (T2).
func keysProblem(err *auth.KeysError) *api.Problem {
	return &api.Problem{
		Status:     http.StatusServiceUnavailable,
		Message:    err.Reason + ", try again",
		RetryAfter: err.RetryAfter,
		Cause:      err,
	}
}
