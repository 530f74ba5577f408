// Package openapi has the operations of the OpenAPI documents: it finds that of a request, and validates the request against it.
package openapi

import (
	"regexp"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// Operation is an operation of a document.
type Operation struct {
	Route *routers.Route
	// Endpoint is nil if the operation is not implemented.
	Endpoint *Endpoint
	// query has the query parameters in the order of the document.
	query []*openapi3.Parameter
	// unsupported has the documented parameters that are not implemented.
	unsupported []unsupportedParameter
}

// Name returns the operation's name in messages, as "GET /v1/things/{id}".
func (o *Operation) Name() string { return o.Route.Method + " " + o.Route.Path }

// hasBody reports whether the document gives the operation a JSON body.
func (o *Operation) hasBody() bool {
	body := o.Route.Operation.RequestBody
	return body != nil && body.Value.Content.Get("application/json") != nil
}

// bodySchema returns the schema of the operation's JSON body.
func (o *Operation) bodySchema() *openapi3.Schema {
	return o.Route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// IsPublic reports whether the document lets callers in without a token.
func (o *Operation) IsPublic() bool {
	security := o.Route.Spec.Security
	if own := o.Route.Operation.Security; own != nil {
		security = *own
	}
	return len(security) == 0 || slices.ContainsFunc(security, func(requirement openapi3.SecurityRequirement) bool {
		return len(requirement) == 0
	})
}

// PathParameter matches a parameter in the path of an operation.
var PathParameter = regexp.MustCompile(`\{([^/}]+)\}`)

// addParameters adds the operation's parameters and those of its path, which the former override by name.
func (o *Operation) addParameters() {
	own := o.Route.Operation.Parameters
	var parameters openapi3.Parameters
	for _, ref := range o.Route.PathItem.Parameters {
		if own.GetByInAndName(ref.Value.In, ref.Value.Name) == nil {
			parameters = append(parameters, ref)
		}
	}
	parameters = append(parameters, own...)
	for _, ref := range parameters {
		parameter := ref.Value
		switch parameter.In {
		case openapi3.ParameterInQuery:
			o.query = append(o.query, parameter)
		case openapi3.ParameterInPath:
			continue
		}
		if !o.implements(parameter) {
			o.unsupported = append(o.unsupported, newUnsupportedParameter(parameter, parameters))
		}
	}
}

// implements reports whether the server reads the parameter.
func (o *Operation) implements(parameter *openapi3.Parameter) bool {
	switch {
	case o.Endpoint == nil:
		return false
	case parameter.In == openapi3.ParameterInQuery:
		return slices.Contains(o.Endpoint.Query, parameter.Name)
	case parameter.In == openapi3.ParameterInHeader:
		return slices.Contains(o.Endpoint.Headers, parameter.Name)
	}
	return false
}
