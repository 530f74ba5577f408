package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Recording has the operations that record. Their documents have no parameters.
type Recording struct {
	// Single records one deployment, Batch several.
	Single, Batch *Document
}

// ReadRecording reads the OpenAPI document of the operations that record.
func ReadRecording(text []byte) (*Recording, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("the document of recording can't be read: %w", err)
	}
	r := &Recording{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		op := doc.Paths.Value(path).Post
		switch {
		case op == nil:
		case hasProperty(op, "deployment_record"):
			r.Single = &Document{Path: path, operation: op}
		case hasProperty(op, "decommissioned_count"):
			r.Batch = &Document{Path: path, operation: op}
		}
	}
	if r.Single == nil || r.Batch == nil {
		return nil, errors.New("the document of recording lacks an operation")
	}
	return r, nil
}

// hasProperty reports whether an operation answers with an object that has a property.
func hasProperty(op *openapi3.Operation, name string) bool {
	body := bodySchema(op)
	return body != nil && body.Properties[name] != nil
}
