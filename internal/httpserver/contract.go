package httpserver

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/deployrecords/deployrecords/internal/auth"
)

// operation is one of the document's, with what validation needs of it.
type operation struct {
	route *routers.Route
	// parameters are those in the query, in the order of the document; others are those in headers and cookies.
	parameters, others []*openapi3.Parameter
	// implemented says that generated code has a route for it, and duty is told; every other operation is a 501.
	implemented bool
	duty
}

// duty is what this server adds to an operation of a document.
type duty struct {
	// scope is what a token must allow.
	scope auth.Scope
	// query and headers name the parameters that are implemented; using another one of the document's is a 501.
	query, headers []string
	// body says that the request has one, and that it is read.
	body bool
	// rules, if not nil, tell faults of the query that the document's schemas do not say.
	rules func(url.Values) []string
	// partial, if not nil, says that faults of single items do not refuse the request; they go to the handler.
	partial func(body map[string]any) bool
}

// hasBody says whether the operation takes one.
func (o *operation) hasBody() bool { return o.route.Operation.RequestBody != nil }

// bodySchema is that of the operation's JSON.
func (o *operation) bodySchema() *openapi3.Schema {
	return o.route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// itemMembers are the members that an item of a batch can have; none if the operation takes no batch.
func (o *operation) itemMembers() openapi3.Schemas {
	if list := o.bodySchema().Properties["deployments"]; list != nil && list.Value.Items != nil {
		return list.Value.Items.Value.Properties
	}
	return nil
}

// name is how messages call it, as "GET /v1/things/{id}".
func (o *operation) name() string { return o.route.Method + " " + o.route.Path }

// routeKey is a method and a path in Echo's form, as "GET /v1/things/:id".
func routeKey(method, path string) string { return method + " " + path }

var pathParameter = regexp.MustCompile(`\{([^/}]+)\}`)

// echoKey is the routeKey that generated code gives the operation.
func (o *operation) echoKey() string {
	return routeKey(o.route.Method, pathParameter.ReplaceAllString(o.route.Path, ":$1"))
}

// readContract gives the document's operations. Routing is by method and path alone; the document's servers are not
// asked, since this server stands under other names than upstream's.
func readContract(document []byte) ([]*operation, error) {
	loader := openapi3.NewLoader() // which follows no reference out of the document
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("the contract is invalid: %w", err)
	}
	var operations []*operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}}
			for _, parameter := range o.allParameters() {
				switch parameter.In {
				case openapi3.ParameterInQuery:
					o.parameters = append(o.parameters, parameter)
				case openapi3.ParameterInHeader, openapi3.ParameterInCookie:
					if !slices.Contains(namesOfHTTP, http.CanonicalHeaderKey(parameter.Name)) {
						o.others = append(o.others, parameter)
					}
				}
			}
			operations = append(operations, o)
		}
	}
	return operations, nil
}

// namesOfHTTP are headers that OpenAPI has no parameters for: a document that names one as such says nothing.
var namesOfHTTP = []string{"Accept", "Authorization", "Content-Type"}

// allParameters are the path's and the operation's own, which stand in for the path's of the same name.
func (o *operation) allParameters() (all []*openapi3.Parameter) {
	own := o.route.Operation.Parameters
	for _, ref := range o.route.PathItem.Parameters {
		if own.GetByInAndName(ref.Value.In, ref.Value.Name) == nil {
			all = append(all, ref.Value)
		}
	}
	for _, ref := range own {
		all = append(all, ref.Value)
	}
	return all
}

// security is what the document asks of callers of the operation.
func (o *operation) security() openapi3.SecurityRequirements {
	if own := o.route.Operation.Security; own != nil {
		return *own
	}
	return o.route.Spec.Security
}

// open says whether the document lets callers in without any token.
func (o *operation) open() bool {
	for _, requirement := range o.security() {
		if len(requirement) == 0 {
			return true
		}
	}
	return len(o.security()) == 0
}

// bearerOnly says whether the document asks for a bearer token and for nothing else, which is what this server knows.
func (o *operation) bearerOnly() bool {
	requirements := o.security()
	if len(requirements) != 1 || len(requirements[0]) != 1 || o.route.Spec.Components == nil {
		return false
	}
	for name, scopes := range requirements[0] {
		scheme := o.route.Spec.Components.SecuritySchemes[name]
		if len(scopes) > 0 || scheme == nil || scheme.Value.Type != "http" || !strings.EqualFold(scheme.Value.Scheme, "bearer") {
			return false
		}
	}
	return true
}

// unimplementedScope is what a token must allow for the answer that the operation is not implemented (T4).
func (o *operation) unimplementedScope() auth.Scope {
	if o.route.Method == http.MethodGet || o.route.Method == http.MethodHead {
		return auth.ReadDeployments
	}
	return auth.WriteDeployments
}
