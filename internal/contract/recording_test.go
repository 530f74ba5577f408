package contract_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contract"
)

// describedSchema checks a schema that is written in place. Another one is a component, which is checked by itself.
func describedSchema(t *testing.T, location string, ref *openapi3.SchemaRef) {
	t.Helper()
	if ref.Ref != "" {
		return
	}
	if ref.Value.Description == "" || ref.Value.Example == nil {
		t.Errorf("%s has the description %q and the example %v", location, ref.Value.Description, ref.Value.Example)
	}
	for name, property := range ref.Value.Properties {
		describedSchema(t, location+"."+name, property)
	}
}

// Generators of clients, mocks and pages take their values and texts from here.
func TestOurOwnDocumentsDescribeEverythingWithExamples(t *testing.T) {
	for name, text := range map[string][]byte{"recording": contract.RecordingOpenAPI(), "control": contract.ControlOpenAPI()} {
		t.Run(name, func(t *testing.T) { describedDocument(t, text) })
	}
}

func describedDocument(t *testing.T, text []byte) {
	t.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(loader.Context, openapi3.EnableExamplesValidation()); err != nil {
		t.Errorf("an example does not fit its schema: %v", err)
	}
	for name, schema := range doc.Components.Schemas {
		describedSchema(t, name, schema)
	}
	for name, response := range doc.Components.Responses {
		describedResponse(t, name, response)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			name := method + " " + path
			if operation.Summary == "" || operation.Description == "" {
				t.Errorf("%s has no summary or no description", name)
			}
			for _, ref := range operation.Parameters {
				if ref.Value.Description == "" || ref.Value.Example == nil {
					t.Errorf("the parameter %s of %s has no description or no example", ref.Value.Name, name)
				}
			}
			for status, response := range operation.Responses.Map() {
				if status == "default" {
					t.Errorf("%s has a default response: name the statuses", name)
				}
				describedResponse(t, name+" "+status, response)
			}
		}
	}
}

func describedResponse(t *testing.T, location string, ref *openapi3.ResponseRef) {
	t.Helper()
	if ref.Value.Description == nil || *ref.Value.Description == "" {
		t.Errorf("%s has no description", location)
	}
	for _, media := range ref.Value.Content {
		if media.Example == nil && media.Schema.Ref == "" {
			t.Errorf("%s has no example", location)
		}
	}
}
