package openapi

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/deployrecords/deployrecords/internal/document"
)

// Documents are OpenAPI documents that were read. Several servers may share them.
type Documents struct{ Upstream, Own []*Operation }

// ReadDocuments reads upstream's document and that of the recording API. It fails if one is invalid.
func ReadDocuments(upstream, recording []byte) (*Documents, error) {
	var d Documents
	var upstreamErr, ownErr error
	d.Upstream, upstreamErr = readDocument(upstream)
	d.Own, ownErr = readDocument(recording)
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
func readDocument(text []byte) ([]*Operation, error) {
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
	var operations []*Operation
	for _, other := range others {
		o := &Operation{Route: &routers.Route{Spec: doc, Path: other.Path, Method: other.Method, PathItem: &openapi3.PathItem{}, Operation: &openapi3.Operation{}}}
		if other.Security != nil {
			o.Route.Operation.Security = &openapi3.SecurityRequirements{}
			for _, alternative := range *other.Security {
				*o.Route.Operation.Security = append(*o.Route.Operation.Security, alternative)
			}
		}
		operations = append(operations, o)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			item.Parameters, op.Parameters = withoutIgnored(item.Parameters), withoutIgnored(op.Parameters)
			o := &Operation{Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}}
			if endpoint, ok := Endpoints[o.Name()]; ok {
				o.Endpoint = &endpoint
			}
			o.addParameters()
			operations = append(operations, o)
		}
	}
	return operations, nil
}
