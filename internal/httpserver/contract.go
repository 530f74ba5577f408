package httpserver

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// operation is one of the document's, with what validation needs of it.
type operation struct {
	route *routers.Route
	// parameters are those in the query, in the order of the document.
	parameters []*openapi3.Parameter
	// rules tell faults that the document's schemas do not say.
	rules func(url.Values) []string
}

// routeKey is a method and a path in Echo's form, as "GET /v1/things/:id".
func routeKey(method, path string) string { return method + " " + path }

var pathParameter = regexp.MustCompile(`\{([^/}]+)\}`)

// readContract finds the document's operations by their routes. Routing is Echo's; the document's servers are not
// asked, since this server stands under other names than upstream's.
func readContract(document []byte) (map[string]*operation, error) {
	loader := openapi3.NewLoader() // which follows no reference out of the document
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("the contract is invalid: %w", err)
	}
	operations := make(map[string]*operation)
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
	return operations, nil
}
