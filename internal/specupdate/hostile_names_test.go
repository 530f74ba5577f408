package specupdate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
	"go.yaml.in/yaml/v3"
)

// namedBy is a valid document with a name in a place.
func namedBy(t *testing.T, place, name string) string {
	t.Helper()
	quoted := fmt.Sprintf("%+q", name) // YAML's double quotes know Go's escapes
	document := map[string]string{
		"property":      strings.Replace(small, "properties: {a: ", "properties: {"+quoted+": ", 1),
		"parameter":     strings.Replace(small, "name: status", "name: "+quoted, 1),
		"operationId":   strings.Replace(small, "    get:\n", "    get:\n      operationId: "+quoted+"\n", 1),
		"schema":        small + "    " + quoted + ": {type: string}\n",
		"scheme":        small + "  securitySchemes: {" + quoted + ": {type: http, scheme: bearer}}\n",
		"header":        strings.Replace(small, "{description: d,", "{description: d, headers: {"+quoted+": {schema: {type: string}}},", 1),
		"path":          strings.Replace(small, "  /a:", "  "+fmt.Sprintf("%+q", "/"+name)+":", 1),
		"discriminator": strings.Replace(small, "A: {type: object,", "A: {type: object, discriminator: {propertyName: "+quoted+"},", 1),
		"mapping":       strings.Replace(small, "A: {type: object,", "A: {type: object, discriminator: {propertyName: a, mapping: {"+quoted+": '#/components/schemas/B'}},", 1),
	}[place]
	if document == "" || document == small {
		t.Fatalf("%s: no document", place)
	}
	if err := yaml.Unmarshal([]byte(document), new(yaml.Node)); err != nil {
		t.Fatalf("%s: %v\n%s", place, err, document)
	}
	return document
}

func TestNamesThatCouldEndATextOfTheCodeAreRefused(t *testing.T) {
	for _, place := range []string{"property", "parameter", "operationId", "schema", "scheme", "header", "path", "discriminator", "mapping"} {
		for _, name := range []string{
			"a`+x+`", `a" + x + "`, `a\`, "a'", "a\n}\nfunc init() {}", "a\r", "a\tb", "a\x00", "a\u0085", "a\u2028", "a\u202eb",
		} {
			_, err := inspect([]byte(namedBy(t, place, name)))
			if err == nil || !strings.Contains(err.Error(), "could end a text in the code") || !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("%s %q: got %v", place, name, err)
			}
		}
		if _, err := inspect([]byte(namedBy(t, place, "a-b_c.1"))); err != nil {
			t.Errorf("%s: an honest name: %v", place, err)
		}
	}
	for document, name := range map[string]string{
		"the present one":            string(deployrecords.OpenAPI()),
		"ours":                       string(contract.RecordingOpenAPI()),
		"a parameter of a map":       namedBy(t, "parameter", "labels[string]"),
		"a name of another alphabet": namedBy(t, "property", "größe 大"),
		"a media type with quotes":   strings.Replace(small, "application/json:", `'application/json; charset="utf-8"':`, 1),
		"a property operationId":     strings.Replace(small, "properties: {a: ", "properties: {operationId: {type: string}, name: {type: string}, in: {type: string}, a: ", 1),
	} {
		if _, err := inspect([]byte(name)); err != nil {
			t.Errorf("%s: refused: %v", document, err)
		}
	}
}
