package openapi

import (
	"context"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
)

// Checker checks requests for a document of which every operation is implemented, as the handler checks those of the API: by
// rules Q1 to Q3, and with a 400 for unknown parameters. It does not check path parameters and bodies that are not JSON.
type Checker struct {
	documented Table
	bodies     *bodies.Budget
}

// NewChecker returns a Checker for a document. Bodies may take bodyBytes together.
func NewChecker(text []byte, bodyBytes int64) (*Checker, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("the OpenAPI document is invalid: %w", err)
	}
	var operations []*Operation
	for path, item := range doc.Paths.Map() {
		item.Parameters = withoutPath(item.Parameters)
		for method, op := range item.Operations() {
			op.Parameters = withoutPath(op.Parameters)
			o := &Operation{Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}, Endpoint: &Endpoint{}}
			for _, ref := range op.Parameters {
				o.Endpoint.Query = append(o.Endpoint.Query, ref.Value.Name)
			}
			o.addParameters()
			operations = append(operations, o)
		}
	}
	return &Checker{NewTable(operations), bodies.NewBudget(bodyBytes, admission.NewLargeBodyGate(0))}, nil
}

// withoutPath returns the parameters that are not parts of the path.
func withoutPath(parameters openapi3.Parameters) openapi3.Parameters {
	return slices.DeleteFunc(slices.Clone(parameters), func(ref *openapi3.ParameterRef) bool { return ref.Value.In == openapi3.ParameterInPath })
}

// Check returns the request for the generated code, or an error for httpserver.WriteError. The caller limits the body. A body that is not
// JSON takes its bytes of the budget while it is read, until the context of the request ends.
func (c *Checker) Check(r *http.Request) (*http.Request, error) {
	o, methods := c.documented.Find(r.Method, r.URL.EscapedPath())
	if o == nil {
		return nil, NoRoute(r.Method, methods)
	}
	if err := o.checkOtherBody(r); err != nil {
		return nil, err
	}
	held := c.bodies.Body("")
	if o.Route.Operation.RequestBody != nil && !o.hasBody() {
		r.Body = &budgetedBody{r.Body, held}
		context.AfterFunc(r.Context(), held.Release)
	} else {
		defer held.Release()
	}
	return o.Validate(r, true, held)
}

// budgetedBody is a body that takes its bytes of a budget while it is read.
type budgetedBody struct {
	io.ReadCloser
	held *bodies.Held
}

// Read implements io.Reader. It returns a 503 once the budget is full, after it has dropped the rest: a client that still sends
// reads no response.
func (b *budgetedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if full := b.held.Grow(n); full != nil {
		b.held.Release()
		_, _ = io.Copy(io.Discard, b.ReadCloser)
		return 0, full
	}
	return n, err
}

// checkOtherBody returns a 415 for a body without a media type of an operation whose bodies are not JSON.
func (o *Operation) checkOtherBody(r *http.Request) error {
	body := o.Route.Operation.RequestBody
	if body == nil || o.hasBody() || r.ContentLength == 0 {
		return nil
	}
	accepted := slices.Sorted(maps.Keys(body.Value.Content))
	received := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(received); err == nil && slices.Contains(accepted, mediaType) {
		return nil
	}
	return &api.Problem{
		Status:  http.StatusUnsupportedMediaType,
		Message: fmt.Sprintf("Content-Type: %s is not %s", deployments.Quote(received), strings.Join(accepted, " or ")),
	}
}
