package specupdate

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestStructuralDiffIsFlattened(t *testing.T) {
	for structure, want := range map[string][]string{
		"{}":                                     nil,
		"openAPI: {from: 3.0.1, to: 3.1.0}":      {`openAPI: "3.0.1" -> "3.1.0"`},
		"servers: {added: [a, b], deleted: [c]}": {`servers added: "a"`, `servers added: "b"`, `servers deleted: "c"`},
		// A string is another value than a number, and null none.
		"a: {modified: {b: {from: 1, to: '1'}, c: {from: null, to: {x: 1}}}}": {`a b: 1 -> "1"`, `a c: null -> {"x":1}`},
		// Names are no keywords.
		"properties: {modified: {from: {listAdded: true}, to: {modified: {modified: {min: {from: 0, to: 1}}}}}}": {"properties from listAdded: true", "properties to modified min: 0 -> 1"},
		"anyOf: {modified: [{diff: {min: {from: 0, to: 1}}}]}":                                                   {"anyOf diff min: 0 -> 1"},
		"a: {from: x, to: '" + strings.Repeat("ä ", 100) + "'}":                                                  {`a: "x" -> "` + strings.Repeat("ä ", 100) + `"`},
	} {
		d := flatten(t, structure)
		var got []string
		for _, l := range d.locations {
			got = append(got, l.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", structure, got, want)
		}
	}
}

// The name of a property, a parameter, a path or a schema can be a keyword for documentation.
func TestDocumentationIsNoLocation(t *testing.T) {
	for structure, want := range map[string]bool{
		"info: {title: %}":                    true,
		"info: {version: %}":                  true,
		"info: {contact: {email: %}}":         true,
		"externalDocs: {url: %}":              true,
		"tags: {modified: {a: {summary: %}}}": true,
		"servers: {modified: {a: {url: %}}}":  false,
		"paths: {modified: {/a: {operations: {modified: {GET: {description: %}}}}}}":                                               true,
		"paths: {modified: {/a: {operations: {modified: {GET: {tags: {added: [b]}}}}}}}":                                           true,
		"paths: {modified: {/a: {operations: {modified: {GET: {parameters: {modified: {query: {a: {description: %}}}}}}}}}}":       true,
		"paths: {modified: {/a: {operations: {modified: {GET: {parameters: {modified: {query: {title: {schema: {min: %}}}}}}}}}}}": false,
		"components: {schemas: {modified: {A: {properties: {modified: {b: {example: %}}}}}}}":                                      true,
		"components: {schemas: {modified: {A: {properties: {modified: {title: {title: %}}}}}}}":                                    true,
		"components: {schemas: {modified: {A: {properties: {modified: {title: {type: %}}}}}}}":                                     false,
		"components: {schemas: {modified: {A: {properties: {added: [description]}}}}}":                                             false,
		"components: {schemas: {modified: {A: {enum: {added: [title]}}}}}":                                                         false,
		"components: {schemas: {modified: {example: {type: %}}}}":                                                                  false,
	} {
		d := flatten(t, strings.ReplaceAll(structure, "%", "{from: x, to: y}"))
		if got := len(d.locations) == 0; got != want {
			t.Errorf("%s: locations %q", structure, d.locations)
		}
	}
}

func flatten(t *testing.T, structure string) *diff {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(structure), &root); err != nil {
		t.Fatal(err)
	}
	d := &diff{}
	d.addLocations("", root.Content[0], 0)
	return d
}
