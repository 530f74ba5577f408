package httpserver

import (
	"errors"
	"net/http"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
)

// rejectUnsupported returns the 501 of an operation that is not implemented. Unless the document makes the operation
// public, only a caller with an accepted token and the scope of the operation's method gets it (R4). The 401 and 403
// carry no details: the operation may document another schema for them, and an empty list fits every schema.
func (h *handler) rejectUnsupported(r *http.Request, o *openapi.Operation) error {
	if !o.IsPublic() {
		scope := auth.WriteDeployments
		if o.Route.Method == http.MethodGet || o.Route.Method == http.MethodHead {
			scope = auth.ReadDeployments
		}
		if _, err := h.authorize(r, scope); err != nil {
			if problem, ok := errors.AsType[*api.Problem](err); ok {
				problem.Details = nil
			}
			return err
		}
	}
	return &api.Problem{Status: http.StatusNotImplemented, Message: o.Name() + " is not implemented by this server"}
}
