package document_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/document"
)

func isListing(method, path string) bool { return method+" "+path == "GET /v1/things" }

// things is a document with a listing that refers to every kind of component.
const things = `openapi: 3.0.1
info: {title: t, version: '1'}
security: [{bearer: []}]
paths:
  /v1/things:
    parameters: [{$ref: '#/components/parameters/Age'}]
    get:
      description: {{comment}}
      parameters: [{in: query, name: kind, schema: {$ref: '#/components/schemas/Kind'}}]
      responses:
        200: {$ref: '#/components/responses/Things'}
        default: {description: d}
    post:
      security: []
      requestBody: {$ref: '#/components/requestBodies/Other'}
      responses: {default: {description: d}}
  /v1/others/{id}/{part}:verify:
    parameters: [{in: path, name: id, required: true, schema: {$ref: '#/components/schemas/Other'}}, {in: path, name: part, required: true, schema: {type: string}}]
    put:
      security: [{key: []}, {}]
      responses: {default: {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Other'}}}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}, key: {type: apiKey, in: header, name: K}}
  parameters: {Age: {in: query, name: age, schema: {type: string, default: '2000-01-02'}}}
  requestBodies: {Other: {content: {application/json: {schema: {$ref: '#/components/schemas/Other'}}}}}
  responses: {Things: {description: d, headers: {Next: {$ref: '#/components/headers/Next'}}, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}}
  headers: {Next: {schema: {type: string}}}
  schemas:
    Kind: {type: string, enum: ['NO', 'on', '1']}
    Thing: {type: object, properties: {part: {$ref: '#/components/schemas/Thing'}, all: {type: array, items: {allOf: [{$ref: '#/components/schemas/Part'}]}}}}
    Part: {type: integer}
    Other: {type: object, properties: {part: {$ref: '#/components/schemas/Part'}}}
`

func load(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := doc.Validate(loader.Context); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAReducedDocumentHasTheImplementedOperationsWhole(t *testing.T) {
	text := strings.Replace(things, "{{comment}}", "Lists", 1)
	var value any
	if err := yaml.Unmarshal([]byte(strings.Replace(text, "200:", "'200':", 1)), &value); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"YAML": text, "JSON": asJSON(t, value), "JSON with slashes": strings.ReplaceAll(asJSON(t, value), "/", `\/`),
		"upstream's": string(contracttest.Base()), "ours": string(contract.RecordingOpenAPI()),
	} {
		t.Run(name, func(t *testing.T) {
			implemented := isListing
			if !strings.Contains(text, "verify") {
				implemented = func(_, path string) bool { return path == "/v1/deployments" }
			}
			small, others := document.Reduce([]byte(text), implemented)
			whole, reduced := load(t, []byte(text)), load(t, small)
			if got, want := asJSON(t, reduced.Security), asJSON(t, whole.Security); got != want {
				t.Errorf("security %s, want %s", got, want)
			}
			for path, item := range whole.Paths.Map() {
				for method, operation := range item.Operations() {
					if !implemented(method, path) {
						i := slices.IndexFunc(others, func(o document.Operation) bool { return o.Method == method && o.Path == path })
						if i < 0 {
							t.Errorf("%s %s is missing", method, path)
						} else if got, want := asJSON(t, others[i].Security), asJSON(t, operation.Security); got != want {
							t.Errorf("%s %s: security %s, want %s", method, path, got, want)
						}
						continue
					}
					kept := reduced.Paths.Value(path).GetOperation(method)
					if got, want := asJSON(t, kept)+asJSON(t, reduced.Paths.Value(path).Parameters), asJSON(t, operation)+asJSON(t, item.Parameters); got != want {
						t.Errorf("%s %s:\n%s\nwant\n%s", method, path, got, want)
					}
				}
			}
			for schema, kept := range reduced.Components.Schemas {
				if got, want := asJSON(t, kept.Value), asJSON(t, whole.Components.Schemas[schema].Value); got != want {
					t.Errorf("%s: %s, want %s", schema, got, want)
				}
			}
			if schemas := slices.Sorted(maps.Keys(reduced.Components.Schemas)); !slices.Contains(schemas, "Error") && !slices.Contains(schemas, "rpcStatus") && !slices.Equal(schemas, []string{"Kind", "Part", "Thing"}) {
				t.Errorf("the schemas %v", schemas)
			}
		})
	}
}

// A wrong reduction would be another contract: in doubt the document stays whole.
func TestADocumentThatIsNotUnderstoodIsNotReduced(t *testing.T) {
	for name, change := range map[string]string{
		"a reference into a path":  "x\n      externalDocs: {$ref: '#/paths/~1v1~1things/post/responses/default'}",
		"an escaped reference":     "x\n      externalDocs: {$ref: '#/components/schemas/a~1b'}",
		"a reference to elsewhere": "x\n      externalDocs: {$ref: 'other.yaml'}",
		"a discriminator":          "x\n      externalDocs: {discriminator: {propertyName: kind}}",
		"an alias":                 "x\n      externalDocs: *other\n  /v1/more: {get: &other {responses: {}}}\n  /v1/most:\n    get:",
		"no document":              "{",
	} {
		text := []byte(strings.Replace(things, "{{comment}}", change, 1))
		if got, others := document.Reduce(text, isListing); string(got) != string(text) || others != nil {
			t.Errorf("%s: the document was reduced to\n%s", name, got)
		}
	}
}

// A whole API has thousands of operations: only a line of each stays.
func TestAReducedDocumentIsSmall(t *testing.T) {
	text := strings.Replace(things, "{{comment}}", "Lists", 1)
	var paths strings.Builder
	for i := range 100 {
		fmt.Fprintf(&paths, "  /v1/next%d/{id}:\n    get:\n      description: %s\n      parameters: [{in: path, name: id, required: true, schema: {type: string}}]\n      responses: {default: {description: d}}\n", i, strings.Repeat("word ", 1000))
	}
	large := strings.Replace(text, "components:\n", paths.String()+"components:\n", 1)
	reduced, others := document.Reduce([]byte(large), isListing)
	if len(reduced) > len(text) || len(others) != 102 {
		t.Errorf("%d bytes became %d and %d other operations", len(large), len(reduced), len(others))
	}
}
