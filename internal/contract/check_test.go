package contract_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
)

// make spec-update runs this test before all others: each of its messages explains many later failures.
func TestTheDocumentsRequireNothingThatIsNotImplemented(t *testing.T) {
	for _, violation := range check(t, deployrecords.OpenAPI(), contract.RecordingOpenAPI()) {
		t.Error(violation)
	}
}

// operation is an operation of a document, with its parameters and those of its path.
type operation struct {
	*openapi3.Operation
	doc          *openapi3.T
	item         *openapi3.PathItem
	method, path string
	parameters   []*openapi3.Parameter
}

func (o *operation) name() string { return o.method + " " + o.path }

func readOperations(document []byte) ([]*operation, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		return nil, err
	}
	var operations []*operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{Operation: op, doc: doc, item: item, method: method, path: path}
			for _, ref := range item.Parameters {
				if op.Parameters.GetByInAndName(ref.Value.In, ref.Value.Name) == nil {
					o.parameters = append(o.parameters, ref.Value)
				}
			}
			for _, ref := range op.Parameters {
				o.parameters = append(o.parameters, ref.Value)
			}
			operations = append(operations, o)
		}
	}
	return operations, nil
}

// check returns what the documents require and the server does not do. A document with any of it must not be served: the
// server would answer by another contract.
func check(t *testing.T, upstream, recording []byte) []string {
	t.Helper()
	theirs, err := readOperations(upstream)
	if err != nil {
		return []string{"upstream's document is invalid: " + err.Error()}
	}
	ours, err := readOperations(recording)
	if err != nil {
		return []string{"internal/contract/openapi.recording.yaml is invalid: " + err.Error()}
	}
	violations := checkClashes(theirs, ours)
	found := make(map[string]bool)
	for _, o := range slices.Concat(theirs, ours) {
		found[o.name()] = true
		if endpoint, implemented := openapi.Endpoints[o.name()]; implemented {
			violations = append(violations, o.check(endpoint)...)
		}
	}
	for name := range openapi.Endpoints {
		if !found[name] {
			violations = append(violations, name+": is implemented, and no document has it (any more)")
		}
	}
	return violations
}

func (o *operation) check(endpoint openapi.Endpoint) (violations []string) {
	report := func(format string, args ...any) {
		violations = append(violations, o.name()+": "+fmt.Sprintf(format, args...))
	}
	if version := o.doc.OpenAPI; !strings.HasPrefix(version, "3.0.") {
		report("the document is OpenAPI %s, and openapi3filter rejects every parameter of 3.1: check whether a newer version supports it", version)
	}
	if !o.requiresBearerTokenOnly() {
		report("the document's security is not a bearer token alone, and internal/auth supports nothing else")
	}
	if hasBody := o.RequestBody != nil; hasBody != endpoint.Body {
		report("the document says body: %t, and Endpoints in internal/httpserver/openapi/endpoints.go says %t", hasBody, endpoint.Body)
	}
	if len(o.item.Servers) > 0 || o.Servers != nil {
		report("the document has servers for this operation alone, and this server has one address for all operations")
	}
	for _, server := range o.doc.Servers {
		for _, address := range addresses(server) {
			switch path, err := basePath(address); {
			case err != nil:
				report("the document's server %s is not understood: %v", address, err)
			case path != "":
				report("the document's server %s has the path /%s, and the routes of this server have none: decide whether they move under it", address, path)
			}
		}
	}
	return slices.Concat(violations, o.checkParameters(endpoint), o.checkAnswers())
}

// requiresBearerTokenOnly reports whether the document requires a bearer token and nothing else.
func (o *operation) requiresBearerTokenOnly() bool {
	requirements := o.doc.Security
	if o.Security != nil {
		requirements = *o.Security
	}
	if len(requirements) != 1 || len(requirements[0]) != 1 || o.doc.Components == nil {
		return false
	}
	for name, scopes := range requirements[0] {
		scheme := o.doc.Components.SecuritySchemes[name]
		if len(scopes) > 0 || scheme == nil || scheme.Value.Type != "http" || !strings.EqualFold(scheme.Value.Scheme, "bearer") {
			return false
		}
	}
	return true
}

// checkClashes reports requests that could mean an operation of upstream's and one of ours, or an operation and a public
// route of the server: somebody must decide which of the two moves.
func checkClashes(upstream, own []*operation) (violations []string) {
	for _, theirs := range upstream {
		for _, ours := range own {
			if theirs.matches(ours.method, ours.path) || ours.matches(theirs.method, theirs.path) {
				violations = append(violations, fmt.Sprintf("upstream's document has %s, and so has internal/contract/openapi.recording.yaml, as %s: ours must move to another path", theirs.name(), ours.name()))
			}
		}
	}
	for _, o := range slices.Concat(upstream, own) {
		for route := range httpserver.PublicRoutes {
			if method, path, _ := strings.Cut(route, " "); o.matches(method, path) {
				violations = append(violations, fmt.Sprintf("a document has %s, which is the server's own route %s (PublicRoutes in internal/httpserver/routes.go)", o.name(), route))
			}
		}
	}
	return violations
}

var pathParameter = regexp.MustCompile(`\\\{[^/{}]+\\\}`)

// matches reports whether the operation answers a request.
func (o *operation) matches(method, path string) bool {
	pattern := pathParameter.ReplaceAllString(regexp.QuoteMeta(o.path), "[^/]+")
	return o.method == method && (o.path == path || regexp.MustCompile("^"+pattern+"$").MatchString(path))
}
