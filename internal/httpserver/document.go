package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/document"
)

// Endpoint is what this server adds to an operation of a document.
type Endpoint struct {
	// Scope is the scope that a token needs (T4).
	Scope auth.Scope
	// Query and Headers name the implemented parameters. A request that uses another documented one gets a 501.
	Query, Headers []string
	// Body reports whether the request has a body.
	Body bool

	// bodyBytes, if not 0, limits the body to less than Limits.BodyBytes.
	bodyBytes int64
	// rules, if not nil, returns violations that the document's schemas do not express.
	rules func(url.Values) []string
	// partial, if not nil, reports whether violations in single items leave the rest of the request to the handler.
	partial func(body map[string]any) bool
}

// singleBodyBytes limits the body of a single recording. The largest valid one, with 100 project versions of escaped names,
// has about 600 KiB.
const singleBodyBytes = 1 << 20

// Endpoints has the implemented operations by method and path. New fails if a route has no entry.
var Endpoints = map[string]Endpoint{
	"GET /v1/deployments": {Scope: auth.ReadDeployments, Query: api.ListParameters, rules: api.ListRules},

	"POST " + contract.RecordingPath:            {Scope: auth.WriteDeployments, Headers: []string{idempotencyKey}, Body: true, bodyBytes: singleBodyBytes},
	"POST " + contract.RecordingPath + "/batch": {Scope: auth.WriteDeployments, Body: true, partial: api.IsPartial},
}

// PublicRoutes need no token (R4). Every other route is an operation of a document and needs one.
var PublicRoutes = func() map[string]bool {
	routes := make(map[string]bool)
	for _, path := range []string{"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml", "/healthz", "/readyz"} {
		for _, method := range publicMethods {
			routes[routeKey(method, path)] = true
		}
	}
	return routes
}()

// publicMethods are the methods of each public path.
var publicMethods = []string{http.MethodGet, http.MethodHead}

// operation is an operation of a document.
type operation struct {
	route *routers.Route
	// endpoint is nil if the operation is not implemented.
	endpoint *Endpoint
	// query has the query parameters in the order of the document.
	query []*openapi3.Parameter
	// unsupported has the documented parameters that are not implemented.
	unsupported []unsupportedParameter
}

// name returns the operation's name in messages, as "GET /v1/things/{id}".
func (o *operation) name() string { return o.route.Method + " " + o.route.Path }

// hasBody reports whether the document gives the operation a JSON body.
func (o *operation) hasBody() bool {
	body := o.route.Operation.RequestBody
	return body != nil && body.Value.Content.Get("application/json") != nil
}

// bodySchema returns the schema of the operation's JSON body.
func (o *operation) bodySchema() *openapi3.Schema {
	return o.route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// isPublic reports whether the document lets callers in without a token.
func (o *operation) isPublic() bool {
	security := o.route.Spec.Security
	if own := o.route.Operation.Security; own != nil {
		security = *own
	}
	return len(security) == 0 || slices.ContainsFunc(security, func(requirement openapi3.SecurityRequirement) bool {
		return len(requirement) == 0
	})
}

// routeKey joins a method and a path in Echo's form, as "GET /v1/things/:id".
func routeKey(method, path string) string { return method + " " + path }

var pathParameter = regexp.MustCompile(`\{([^/}]+)\}`)

// echoKey returns the routeKey of the operation's generated route.
func (o *operation) echoKey() string {
	return routeKey(o.route.Method, pathParameter.ReplaceAllString(o.route.Path, ":$1"))
}

// Documents are OpenAPI documents that were read. Several servers may share them.
type Documents struct{ upstream, own []*operation }

// ReadDocuments reads upstream's document and that of the recording API. It fails if one is invalid.
func ReadDocuments(upstream, recording []byte) (*Documents, error) {
	var d Documents
	var upstreamErr, ownErr error
	d.upstream, upstreamErr = readDocument(upstream)
	d.own, ownErr = readDocument(recording)
	if err := errors.Join(upstreamErr, ownErr); err != nil {
		return nil, err
	}
	return &d, nil
}

// largeDocument is the size, in bytes, from which the memory that reading a document took is returned at once.
const largeDocument = 1 << 20

// readDocument returns the operations of a document, each with its Endpoint if it is implemented. It keeps only what routing
// and authentication need of the others, so that a large API costs little time and memory. It ignores the document's
// servers: this server has other addresses than upstream's.
func readDocument(text []byte) ([]*operation, error) {
	if len(text) > largeDocument {
		defer debug.FreeOSMemory()
	}
	reduced, others := document.Reduce(text, func(method, path string) bool {
		_, ok := Endpoints[method+" "+path]
		return ok
	})
	loader := openapi3.NewLoader() // follows no reference out of the document
	doc, err := loader.LoadFromData(reduced)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	// Patterns of implemented operations are checked by internal/contract. Those of others never run.
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		return nil, fmt.Errorf("the OpenAPI document is invalid: %w", err)
	}
	var operations []*operation
	for _, other := range others {
		o := &operation{route: &routers.Route{Spec: doc, Path: other.Path, Method: other.Method, PathItem: &openapi3.PathItem{}, Operation: &openapi3.Operation{}}}
		if other.Security != nil {
			o.route.Operation.Security = &openapi3.SecurityRequirements{}
			for _, alternative := range *other.Security {
				*o.route.Operation.Security = append(*o.route.Operation.Security, alternative)
			}
		}
		operations = append(operations, o)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			item.Parameters, op.Parameters = withoutIgnored(item.Parameters), withoutIgnored(op.Parameters)
			o := &operation{route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}}
			if endpoint, ok := Endpoints[o.name()]; ok {
				o.endpoint = &endpoint
			}
			o.addParameters()
			operations = append(operations, o)
		}
	}
	return operations, nil
}

// addParameters adds the operation's parameters and those of its path, which the former override by name.
func (o *operation) addParameters() {
	own := o.route.Operation.Parameters
	var parameters openapi3.Parameters
	for _, ref := range o.route.PathItem.Parameters {
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
func (o *operation) implements(parameter *openapi3.Parameter) bool {
	switch {
	case o.endpoint == nil:
		return false
	case parameter.In == openapi3.ParameterInQuery:
		return slices.Contains(o.endpoint.Query, parameter.Name)
	case parameter.In == openapi3.ParameterInHeader:
		return slices.Contains(o.endpoint.Headers, parameter.Name)
	}
	return false
}
