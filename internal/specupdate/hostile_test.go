package specupdate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// small is a document that is not upstream's, whatever that will be.
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

func TestHostileDocumentsAreRefused(t *testing.T) {
	set := func(place, value string) string {
		return string(contracttest.Changed(t, []byte(small), contracttest.Set(place, value)))
	}
	const record = "components schemas A "
	for name, c := range map[string]struct{ document, want string }{
		"a reference to a URL":       {set(record+"properties a", "{$ref: 'https://evil.example/x.yaml#/A'}"), "$ref leads out of the document"},
		"a reference to a file":      {set(record+"properties a", "{$ref: '../../etc/passwd'}"), "$ref leads out of the document"},
		"a reference of an example":  {set(record+"example", "{$ref: 'file:///etc/passwd'}"), "$ref leads out of the document"},
		"a path by reference":        {set("paths /v2/x", "{$ref: 'other.yaml'}"), "$ref leads out of the document"},
		"a link by reference":        {set("components links", "{a: {operationRef: 'https://evil.example/'}}"), "operationRef leads out of the document"},
		"another base":               {set(record+"$id", "https://evil.example/"), "$id changes what references mean"},
		"a Go type":                  {set(record+"x-go-type", `'struct{}; func init() { panic(1) }'`), "x-go-type: the code generator obeys it"},
		"a Go import":                {set("components schemas B x-go-type-import", "{path: os/exec}"), "x-go-type-import: the code generator obeys it"},
		"a Go name in capitals":      {set("info X-GO-NAME", "A"), "X-GO-NAME: the code generator obeys it"},
		"tags":                       {set("components schemas B x-oapi-codegen-extra-tags", "{a: b}"), "x-oapi-codegen-extra-tags: the code generator obeys it"},
		"names by position":          {set("paths /a get parameters name=status schema x-enum-varnames", "[A, B, C, D]"), "x-enum-varnames: the code generator obeys it"},
		"an extension in an example": {set(record+"example", "{deep: [{x-go-type: int}]}"), "x-go-type: the code generator obeys it"},
		"an alias":                   {small + "x-a: &a [1]\nx-b: *a\n", "a YAML anchor or alias"},
		"a bomb":                     {bomb(), "a YAML anchor or alias"},
		"a merge":                    {small + "x-b: {<<: {a: 1}}\n", "a key that is not a plain text"},
		"a tag":                      {small + "x-b: !!binary aGVsbG8=\n", "a YAML tag"},
		"a deep one":                 {small + "x-b: " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "\n", "nests deeper"},
		"a very deep one":            {small + "x-b: " + strings.Repeat("[", 1<<20), "not YAML"},
		"a key twice":                {small + "info: {title: b, version: '1'}\n", `the key "info" is there already, in line 2`},
		"a key twice, below":         {strings.Replace(small, "name: status", "name: status, name: status", 1), `the key "name" is there already`},
		"an object for a key":        {small + "? {a: 1}\n: b\n", "a key that is not a plain text"},
		"two documents":              {small + "---\na: 1\n", "more than one YAML document"},
		"rubbish behind it":          {small + "...\n}\n", "more than one YAML document"},
		"16 MiB and a byte":          {small + "#" + strings.Repeat("x", 16<<20-len(small)), "more than 16 MiB"},
		"Swagger 2":                  {strings.Replace(small, "openapi: 3.0.1", "swagger: '2.0'", 1), "not OpenAPI 3.0 or 3.1"},
		"OpenAPI 4":                  {strings.Replace(small, "openapi: 3.0.1", "openapi: 4.0.0", 1), "not OpenAPI 3.0 or 3.1"},
		"an invalid one":             {set("paths /a get responses", "{}"), "not valid OpenAPI"},
		"a type that is none":        {set(record+"type", "record"), "not valid OpenAPI"},
		"a broken reference":         {set(record+"properties a", "{$ref: '#/components/schemas/nothing'}"), "cannot be read as OpenAPI"},
		"not YAML":                   {"a: b: c", "not YAML"},
		"binary":                     {"\x00\x01\x02", "not YAML"},
		"a list":                     {"[1]", "not an object"},
		"nothing":                    {"", "empty"},
		"a comment":                  {"# nothing\n", "empty"},
	} {
		if _, err := inspect([]byte(c.document)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %.300v, want %q", name, err, c.want)
		}
	}
	for name, document := range map[string]string{
		"the small one":          small,
		"the present one":        string(deployrecords.OpenAPI()),
		"another extension":      small + "x-internal: {go: 1, x-gopher: 2}\n",
		"16 MiB":                 small + "#" + strings.Repeat("x", 16<<20-len(small)-1),
		"a property called $ref": set(record+"properties $ref", "{type: string}"),
	} {
		if _, err := inspect([]byte(document)); err != nil {
			t.Errorf("%s: refused: %v", name, err)
		}
	}
}

// bomb stands for 9^12 texts in a few lines.
func bomb() string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.1\nx-0: &a0 [x]\n")
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&b, "x-%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return b.String()
}

// A later generator may know more extensions than this one.
func TestEveryExtensionOfTheGeneratorIsRefused(t *testing.T) {
	command := exec.Command("go", "list", "-modfile=tools/go.mod", "-m", "-f", "{{.Dir}}", "github.com/oapi-codegen/oapi-codegen/v2")
	command.Dir = "../.."
	dir, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "pkg/codegen/extension.go"))
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`"(x-[^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(known) < 10 {
		t.Fatalf("the generator knows %d extensions", len(known))
	}
	for _, match := range known {
		if !generatorExtension.MatchString(match[1]) {
			t.Errorf("the generator obeys %s, and a document may have it", match[1])
		}
	}
}
