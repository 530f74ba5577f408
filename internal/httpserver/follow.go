package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/api"
)

// Upstream's document changes under this program. What a change asks for and the program does not do is told here: as
// an error of New, if answers would be wrong, and else as a 501 to the request that asks for it.

// undecided gives what the document says of an implemented operation and this program does not do, one sentence for
// each. With any of them the server must not start: it would answer to another contract than it serves.
func (o *operation) undecided() (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, o.name()+": "+fmt.Sprintf(format, args...))
	}
	if version := o.route.Spec.OpenAPI; !strings.HasPrefix(version, "3.0.") {
		fault("the document is OpenAPI %s, and of 3.1 openapi3filter refuses every parameter: see whether it has learnt", version)
	}
	if !o.bearerOnly() {
		fault("the document's security is not a bearer token alone, and internal/auth knows nothing else")
	}
	if o.hasBody() != o.body {
		fault("the document says body: %t, and duties in internal/httpserver/handler.go says %t", o.hasBody(), o.body)
	}
	if len(o.route.PathItem.Servers) > 0 || o.route.Operation.Servers != nil {
		fault("the document has servers for this operation alone, and this server knows one address for all")
	}
	for _, server := range o.route.Spec.Servers {
		for _, address := range addresses(server) {
			switch base, err := basePath(address); {
			case err != nil:
				fault("the document's server %s cannot be understood: %v", address, err)
			case base != "":
				fault("the document's server %s has the path /%s, and routes in this server have none: decide whether they move under it", address, base)
			}
		}
	}
	for _, wanted := range []struct {
		in    string
		names []string
	}{{openapi3.ParameterInQuery, o.query}, {openapi3.ParameterInHeader, o.headers}} {
		for _, name := range wanted.names {
			if !slices.ContainsFunc(o.allParameters(), func(p *openapi3.Parameter) bool { return p.In == wanted.in && p.Name == name }) {
				fault("the %s parameter %s is implemented, and the document does not have it (any more)", wanted.in, name)
			}
		}
	}
	for _, parameter := range o.allParameters() {
		if parameter.In == openapi3.ParameterInHeader && slices.Contains(namesOfHTTP, http.CanonicalHeaderKey(parameter.Name)) {
			continue
		}
		_, known := memberNames(parameter)
		switch implemented := o.implements(parameter); {
		case parameter.In == openapi3.ParameterInPath:
			fault("the parameter %s is in the path, which validation does not read yet (internal/httpserver/validate.go)", parameter.Name)
		case parameter.Required && !implemented:
			fault("the document requires the %s parameter %s, which is not implemented: every request would be refused", parameter.In, parameter.Name)
		case parameter.In == openapi3.ParameterInQuery && !implemented && !known:
			fault("the query parameter %s is not implemented and may be an object, and the document does not list the names that a request spreads it over: it would be passed over in silence", parameter.Name)
		case implemented && (parameter.Schema == nil || parameter.AllowReserved || parameter.AllowEmptyValue || parameter.In == openapi3.ParameterInQuery && parameter.Style != "" && parameter.Style != openapi3.SerializationForm):
			fault("the %s parameter %s may be written in a way that internal/httpserver/query.go does not read", parameter.In, parameter.Name)
		}
	}
	return faults
}

// implements says whether requests that use the parameter are answered.
func (o *operation) implements(parameter *openapi3.Parameter) bool {
	switch parameter.In {
	case openapi3.ParameterInQuery:
		return slices.Contains(o.query, parameter.Name)
	case openapi3.ParameterInHeader:
		return slices.Contains(o.headers, parameter.Name)
	default:
		return false
	}
}

// refuseUnimplemented answers 501 to who may know it: to everyone, if the document asks for no token, and else to who
// has one that this server accepts (R4). A refusal has no details: the operation need not document 401 and 403 in the
// form that has texts there, and an empty list fits every form.
func (a *assembly) refuseUnimplemented(r *http.Request, o *operation) error {
	if !o.open() {
		principal, err := a.authenticate(r)
		if err == nil {
			err = authorize(principal, o.unimplementedScope())
		}
		var problem *api.Problem
		if errors.As(err, &problem) {
			problem.Details = nil
		}
		if err != nil {
			return err
		}
	}
	return &api.Problem{Status: http.StatusNotImplemented, Message: o.name() + " is not implemented by this server"}
}

// unimplementedUse gives a 501 that names the parameters which the document has, the request uses and this program
// does not know: answered without them, the request would be another one (Q1).
func (o *operation) unimplementedUse(r *http.Request, given url.Values) error {
	var names []string
	for _, parameter := range slices.Concat(o.parameters, o.others) {
		used := false
		switch parameter.In {
		case openapi3.ParameterInQuery:
			used = o.usesQuery(parameter, given)
		case openapi3.ParameterInHeader:
			used = len(r.Header.Values(parameter.Name)) > 0
		case openapi3.ParameterInCookie:
			_, err := r.Cookie(parameter.Name)
			used = err == nil
		}
		if used && !o.implements(parameter) {
			names = append(names, parameter.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return &api.Problem{
		Status:  http.StatusNotImplemented,
		Message: fmt.Sprintf("%s: %s not implemented by this server", strings.Join(names, ", "), verb),
	}
}
