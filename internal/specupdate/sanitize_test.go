package specupdate

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/document"
	"go.yaml.in/yaml/v3"
)

// small is a document that no update of upstream's document changes.
const small = `openapi: 3.0.1
info: {title: t, version: '1'}
paths:
  /a:
    get:
      parameters:
        - {in: query, name: status, schema: {type: string, enum: [A, B]}}
      responses:
        default: {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
components:
  schemas:
    A: {type: object, properties: {a: {$ref: '#/components/schemas/B'}}}
    B: {type: string}
`

func TestSanitizeRejectsHarmfulDocuments(t *testing.T) {
	set := func(location, value string) string {
		return string(contracttest.Changed(t, []byte(small), contracttest.Set(location, value)))
	}
	const record = "components schemas A "
	for name, c := range map[string]struct{ document, want string }{
		"a reference to a URL":       {set(record+"properties a", "{$ref: 'https://evil.example/x.yaml#/A'}"), "$ref refers to something outside the document"},
		"a reference to a file":      {set(record+"properties a", "{$ref: '../../etc/passwd'}"), "$ref refers to something outside the document"},
		"a reference in an example":  {set(record+"example", "{$ref: 'file:///etc/passwd'}"), "$ref refers to something outside the document"},
		"a path reference":           {set("paths /v2/x", "{$ref: 'other.yaml'}"), "$ref refers to something outside the document"},
		"a link reference":           {set("components links", "{a: {operationRef: 'https://evil.example/'}}"), "operationRef refers to something outside the document"},
		"another base URI":           {set(record+"$id", "https://evil.example/"), "$id changes the meaning of references"},
		"a Go type":                  {set(record+"x-go-type", `'struct{}; func init() { panic(1) }'`), "x-go-type: this extension controls the code generator"},
		"a Go import":                {set("components schemas B x-go-type-import", "{path: os/exec}"), "x-go-type-import: this extension controls the code generator"},
		"a Go name in capitals":      {set("info X-GO-NAME", "A"), "X-GO-NAME: this extension controls the code generator"},
		"tags":                       {set("components schemas B x-oapi-codegen-extra-tags", "{a: b}"), "x-oapi-codegen-extra-tags: this extension controls the code generator"},
		"positional names":           {set("paths /a get parameters name=status schema x-enum-varnames", "[A, B, C, D]"), "x-enum-varnames: this extension controls the code generator"},
		"an extension in an example": {set(record+"example", "{deep: [{x-go-type: int}]}"), "x-go-type: this extension controls the code generator"},
		"an alias":                   {small + "x-a: &a [1]\nx-b: *a\n", "a YAML anchor or alias"},
		"an expansion bomb":          {bomb(), "a YAML anchor or alias"},
		"a merge":                    {small + "x-b: {<<: {a: 1}}\n", "a key that is not a plain string"},
		"a tag":                      {small + "x-b: !!binary aGVsbG8=\n", "a YAML tag"},
		"deep nesting":               {small + "x-b: " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "\n", "nests deeper"},
		"very deep nesting":          {small + "x-b: " + strings.Repeat("[", 1<<20), "not YAML"},
		"a duplicate key":            {small + "info: {title: b, version: '1'}\n", `the key "info" is already in line 2`},
		"a nested duplicate key":     {strings.Replace(small, "name: status", "name: status, name: status", 1), `the key "name" is already in line`},
		"an object for a key":        {small + "? {a: 1}\n: b\n", "a key that is not a plain string"},
		"two documents":              {small + "---\na: 1\n", "more than one YAML document"},
		"text after the end":         {small + "...\n}\n", "more than one YAML document"},
		"16 MiB and a byte":          {small + "#" + strings.Repeat("x", 16<<20-len(small)), "larger than 16 MiB"},
		"Swagger 2":                  {strings.Replace(small, "openapi: 3.0.1", "swagger: '2.0'", 1), "not OpenAPI 3.0 or 3.1"},
		"OpenAPI 4":                  {strings.Replace(small, "openapi: 3.0.1", "openapi: 4.0.0", 1), "not OpenAPI 3.0 or 3.1"},
		"invalid OpenAPI":            {set("paths /a get responses", "{}"), "not valid OpenAPI"},
		"an unknown type":            {set(record+"type", "record"), "not valid OpenAPI"},
		"a broken reference":         {set(record+"properties a", "{$ref: '#/components/schemas/nothing'}"), "cannot be read as OpenAPI"},
		"not YAML":                   {"a: b: c", "not YAML"},
		"binary":                     {"\x00\x01\x02", "not YAML"},
		"a base URI of example":      {set(record+"properties example", "{$id: 'https://evil.example/'}"), "$id changes the meaning of references"},
		"a base URI of default":      {small + "    default: {$id: 'https://evil.example/'}\n", "$id changes the meaning of references"},
		"JSON with a URL":            {asJSON(t, set(record+"properties a", "{$ref: 'https:\\/\\/evil.example/x.yaml#/A'}")), "$ref refers to something outside the document"},
		"JSON with a duplicate key":  {"{\"openapi\": \"3.0.1\",\n\"openapi\": \"3.0.1\"}", `line 2: the key "openapi" is already in line 1`},
		"deep JSON":                  {`{"a":` + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "}", "nests deeper"},
		"very deep JSON":             {`{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", "nests deeper"},
		"JSON with a Go type":        {asJSON(t, set(record+"x-go-type", "int")), "x-go-type: this extension controls the code generator"},
		"two JSON documents":         {asJSON(t, small) + "{}", "more than one YAML document"},
		"a list":                     {"[1]", "not an object"},
		"an empty file":              {"", "empty"},
		"only a comment":             {"# nothing\n", "empty"},
	} {
		if _, err := sanitize([]byte(c.document)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %.300v, want %q", name, err, c.want)
		}
	}
	for name, document := range map[string]string{
		"the small document":     small,
		"the present document":   string(deployrecords.OpenAPI()),
		"another extension":      small + "x-internal: {go: 1, x-gopher: 2}\n",
		"16 MiB":                 small + "#" + strings.Repeat("x", 16<<20-len(small)-1),
		"a property called $ref": set(record+"properties $ref", "{type: string}"),
		"an $id in an example":   set("paths /a get responses default content application/json example", "{$id: 'https://schemas.example/a', list: [{$anchor: a}]}"),
		"an $id in examples":     set("paths /a get responses default content application/json examples", "{default: {value: {$id: 'https://schemas.example/a'}}}"),
		"an $id in a default":    set(record+"default", "{$id: a}"),
		"an $id in an extension": set(record+"x-schema", "{$id: a}"),
		"a lookahead":            set("components schemas B pattern", "'^(?!-)[a-z]+$'"),
		"an ECMAScript escape":   set("components schemas B pattern", `'^[\w\/\-\u00e9]+$'`),
		"JSON":                   asJSON(t, small),
		"JSON with slashes":      strings.ReplaceAll(asJSON(t, small), "/", `\/`),
		"JSON with surrogates":   strings.Replace(asJSON(t, small), `"title":"t"`, `"title":"\ud83d\ude80\u2028"`, 1),
		"JSON with tabs":         strings.ReplaceAll(asJSON(t, small), ",", ",\n\t"),
		"JSON with DEL":          strings.Replace(asJSON(t, small), `"title":"t"`, "\"title\":\"\x7f\"", 1),
	} {
		if _, err := sanitize([]byte(document)); err != nil {
			t.Errorf("%s: rejected: %v", name, err)
		}
	}
}

// asJSON returns the document in JSON.
func asJSON(t testing.TB, document string) string {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(document), &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A violation names the line in JSON too.
func TestLinesOfJSONAreCounted(t *testing.T) {
	root, err := parseObject([]byte("{\"a\": [1,\n\n true],\n\"b\":\n\"\\n\"}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		node *yaml.Node
		line int
	}{{root, 1}, {document.Member(root, "a").Content[0], 1}, {document.Member(root, "a").Content[1], 3}, {root.Content[2], 4}, {document.Member(root, "b"), 5}} {
		if c.node.Line != c.line {
			t.Errorf("%s: line %d, want %d", c.node.Value, c.node.Line, c.line)
		}
	}
}

// bomb returns a few lines that expand to 9^12 strings.
func bomb() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.1\nx-0: &a0 [x]\n")
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&b, "x-%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return b.String()
}

// documentWithName returns a valid document that defines a name of the given kind.
func documentWithName(t *testing.T, kind, name string) string {
	t.Helper()
	quoted := fmt.Sprintf("%+q", name) // YAML's double quotes accept Go's escapes
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
	}[kind]
	if document == "" || document == small {
		t.Fatalf("%s: no document", kind)
	}
	if err := yaml.Unmarshal([]byte(document), new(yaml.Node)); err != nil {
		t.Fatalf("%s: %v\n%s", kind, err, document)
	}
	return document
}

func TestSanitizeRejectsUnsafeNames(t *testing.T) {
	for _, kind := range []string{"property", "parameter", "operationId", "schema", "scheme", "header", "path", "discriminator", "mapping"} {
		for _, name := range []string{
			"a`+x+`", `a" + x + "`, `a\`, "a'", "a\n}\nfunc init() {}", "a\r", "a\tb", "a\x00", "a\u0085", "a\u2028", "a\u202eb",
		} {
			_, err := sanitize([]byte(documentWithName(t, kind, name)))
			if err == nil || !strings.Contains(err.Error(), "could end a string in the generated code") || !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("%s %q: got %v", kind, name, err)
			}
		}
		if _, err := sanitize([]byte(documentWithName(t, kind, "a-b_c.1"))); err != nil {
			t.Errorf("%s: a safe name is rejected: %v", kind, err)
		}
	}
	for name, document := range map[string]string{
		"the present one":          string(deployrecords.OpenAPI()),
		"our own":                  string(contract.RecordingOpenAPI()),
		"a map parameter":          documentWithName(t, "parameter", "labels[string]"),
		"a name in other scripts":  documentWithName(t, "property", "größe 大"),
		"a media type with quotes": strings.Replace(small, "application/json:", `'application/json; charset="utf-8"':`, 1),
		"a property operationId":   strings.Replace(small, "properties: {a: ", "properties: {operationId: {type: string}, name: {type: string}, in: {type: string}, a: ", 1),
	} {
		if _, err := sanitize([]byte(document)); err != nil {
			t.Errorf("%s: rejected: %v", name, err)
		}
	}
}

// A later version of the generator can have more extensions than this one.
func TestSanitizeRejectsEveryGeneratorExtension(t *testing.T) {
	download := exec.Command("go", "mod", "download", "-modfile=tools/go.mod", "-json", "github.com/oapi-codegen/oapi-codegen/v2")
	download.Dir = "../.."
	out, err := download.Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(module.Dir, "pkg/codegen/extension.go"))
	if err != nil {
		t.Fatal(err)
	}
	extensions := regexp.MustCompile(`"(x-[^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(extensions) < 10 {
		t.Fatalf("found %d extensions in the generator's source", len(extensions))
	}
	for _, match := range extensions {
		if !generatorExtension.MatchString(match[1]) {
			t.Errorf("sanitize accepts the generator's extension %s", match[1])
		}
	}
}
