package httpserver

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/deployrecords/deployrecords/internal/auth"
)

// operation is one of the document's, with what validation needs of it.
type operation struct {
	route *routers.Route
	// parameters are those in the query, in the order of the document.
	parameters []*openapi3.Parameter
	duty
}

// duty is what this server adds to an operation of a document.
type duty struct {
	// scope is what a token must allow.
	scope auth.Scope
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

// routeKey is a method and a path in Echo's form, as "GET /v1/things/:id".
func routeKey(method, path string) string { return method + " " + path }

var pathParameter = regexp.MustCompile(`\{([^/}]+)\}`)

// readContract adds the document's operations to those that are known by their routes. Routing is Echo's; the document's servers are not
// asked, since this server stands under other names than upstream's.
func readContract(operations map[string]*operation, document []byte) error {
	loader := openapi3.NewLoader() // which follows no reference out of the document
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return fmt.Errorf("read the contract: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return fmt.Errorf("the contract is invalid: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}}
			for _, parameters := range []openapi3.Parameters{item.Parameters, op.Parameters} {
				for _, ref := range parameters {
					if ref.Value.In == openapi3.ParameterInQuery {
						o.parameters = append(o.parameters, ref.Value)
					}
				}
			}
			operations[routeKey(method, pathParameter.ReplaceAllString(strings.TrimSuffix(path, "/"), ":$1"))] = o
		}
	}
	return nil
}
