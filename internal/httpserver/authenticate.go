package httpserver

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// authenticate finds who asks, or answers 401. Only who sent a token is told that it is invalid (R4).
func (a *assembly) authenticate(r *http.Request) (auth.Principal, error) {
	token, err := auth.BearerToken(r.Header)
	if err == nil {
		var principal auth.Principal
		if principal, err = a.Verifier.Verify(r.Context(), token); err == nil {
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
		return auth.Principal{}, fmt.Errorf("authenticate: %w", err)
	}
	return auth.Principal{}, problem
}

// authorize answers 403 to who may not do what the scope stands for (T4).
func authorize(principal auth.Principal, scope auth.Scope) error {
	if principal.Allows(scope) {
		return nil
	}
	return &api.Problem{
		Status:       http.StatusForbidden,
		Message:      "the token does not allow this",
		Details:      []string{"scope: " + string(scope) + " is missing"},
		Authenticate: fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, scope),
	}
}

// callerOf is what api needs to know of the principal (T3, T5).
func callerOf(principal auth.Principal) api.Caller {
	return api.Caller{
		Scope:   deployments.Scope{Organization: principal.Organization, Project: principal.Project},
		Subject: principal.Subject,
	}
}
