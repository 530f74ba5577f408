package specupdate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

func isListing(method, path string) bool { return method+" "+path == "GET /v1/deployments" }

// textsAfter returns the texts and examples that the changes of the document change.
func textsAfter(t *testing.T, changes ...contracttest.Change) (texts []textChange, examples int) {
	t.Helper()
	before, err := parseObject(base())
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseObject(contracttest.Changed(t, base(), changes...))
	if err != nil {
		t.Fatal(err)
	}
	return compareTexts(readTexts(before, isListing), readTexts(after, isListing), isListing)
}

func TestEveryTextIsShownWhole(t *testing.T) {
	long := strings.Repeat("word ", 100)
	for name, c := range map[string]struct {
		change contracttest.Change
		want   string
	}{
		"a new parameter's": {
			contracttest.Insert(parameters, 0, "{in: query, name: next_region, description: "+long+"last, schema: {type: string, description: inside}}"),
			"GET /v1/deployments query next_region description, added: " + long + "last|GET /v1/deployments query next_region schema description, added: inside",
		},
		"a changed end": {
			contracttest.Set(parameters+" name=artifact_kind description", "Optional filter by artifact kind and "+long+"new"),
			"GET /v1/deployments query artifact_kind description, changed: Optional filter by artifact kind {+and " + long + "new+}",
		},
		"a removed one": {
			contracttest.Remove(parameters + " name=artifact_kind description"),
			"GET /v1/deployments query artifact_kind description, removed: Optional filter by artifact kind",
		},
		"a new field's":       {contracttest.Set(record+" properties next_cluster", "{title: T, type: string}"), "schema v1DeploymentRecord properties next_cluster title, added: T"},
		"a field's name":      {contracttest.Set(record+" properties description", "{type: string, description: D}"), "schema v1DeploymentRecord properties description description, added: D"},
		"a new status's":      {contracttest.Set(operation+" responses 404", "{description: Gone}"), "GET /v1/deployments responses 404 description, added: Gone"},
		"a new header's":      {contracttest.Set(operation+" responses 200 headers", "{Next-Link: {description: L, schema: {type: string}}}"), "GET /v1/deployments responses 200 headers Next-Link description, added: L"},
		"a new tag's":         {contracttest.Insert("tags", -1, "{name: Next, description: N}"), "tags Next description, added: N|tags Next name, added: Next"},
		"a scheme's":          {contracttest.Set("components securitySchemes bearerToken description", "Our token"), "securityScheme bearerToken description, changed: "},
		"the API's":           {contracttest.Set("info description", "All"), "info description, added: All"},
		"a part's":            {contracttest.Set(record+" properties next_part", "{allOf: [{type: string, description: P}]}"), "schema v1DeploymentRecord properties next_part allOf 1 description, added: P"},
		"white space":         {contracttest.Set(parameters+" name=artifact_kind description", "'Optional   filter by artifact kind '"), ""},
		"a value's":           {contracttest.Set(record+" properties id default", "{description: no text}"), ""},
		"a path's parameters": {contracttest.Set("paths /v1/deployments parameters", "[{in: query, name: next_age, description: A, schema: {type: string}}]"), "GET /v1/deployments query next_age description, added: A"},
	} {
		changes, _ := textsAfter(t, c.change)
		var got []string
		for _, change := range changes {
			got = append(got, oneLine(change.String()))
			if !change.ours {
				t.Errorf("%s: %q is not about an implemented operation", name, change)
			}
		}
		if got := strings.Join(got, "|"); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// A generator writes new examples into every schema.
func TestExamplesAreCountedLast(t *testing.T) {
	d := diffAfter(t,
		contracttest.Set(record+" example", "{id: next}"), contracttest.Set("components schemas rpcStatus example", "{code: 1}"),
		contracttest.Set(parameters+" name=status examples", "{a: {value: DEPLOYED}}"),
		contracttest.Insert(parameters, 0, "{in: query, name: next_region, schema: {type: string}}"))
	var out bytes.Buffer
	d.print(&out)
	if got := out.String(); !strings.HasSuffix(got, "query: \"next_region\"\n\nExamples that differ, not shown: 3\n") || strings.Contains(got, "{id: next}") {
		t.Errorf("got %s", got)
	}
}

func TestTextsThatMoveAreNoChange(t *testing.T) {
	parameter := "{description: Optional filter by environment name, in: query, name: environment_name, schema: {type: string}}"
	for name, changes := range map[string][]contracttest.Change{
		"to the path":       {contracttest.Remove(parameters + " name=environment_name"), contracttest.Set("paths /v1/deployments parameters", "["+parameter+"]")},
		"to the components": {contracttest.Set("components parameters", "{Next: "+parameter+"}"), contracttest.Set(parameters+" name=environment_name", "{$ref: '#/components/parameters/Next'}")},
	} {
		if texts, _ := textsAfter(t, changes...); len(texts) > 0 {
			t.Errorf("%s: got %v", name, texts)
		}
	}
}

func TestTextsOfManyOtherOperationsAreCounted(t *testing.T) {
	describe := func(n int) (changes []contracttest.Change) {
		for i := range n {
			changes = append(changes, contracttest.Set(fmt.Sprintf("paths /v1/next-things%d", i), "{get: {description: Another, responses: {}}}"))
		}
		return append(changes, contracttest.Set("components schemas NextThing", "{type: string}"), contracttest.Set("info description", "Ours"))
	}
	for n, want := range map[int]string{
		2:              "\nWording of operations that are not implemented (2)\n  - GET /v1/next-things0 description, added:\n      Another\n",
		mostOthers + 1: "\nWording of operations that are not implemented: 51 texts, which git diff shows\n",
	} {
		texts, _ := textsAfter(t, describe(n)...)
		var out bytes.Buffer
		printTexts(&out, texts)
		if got := out.String(); !strings.Contains(got, want) || !strings.Contains(got, "Wording: read whether it still means the same (1)\n  - info description, added:\n      Ours\n") {
			t.Errorf("got %s", got)
		}
	}
}

func TestSchemasOfImplementedOperationsAreFound(t *testing.T) {
	root, err := parseObject(contracttest.Changed(t, base(),
		contracttest.Set("components schemas NextOther", "{type: string}"),
		contracttest.Set("components responses", "{Next: {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/NextUsed'}}}}}"),
		contracttest.Set("components schemas NextUsed", "{type: object, properties: {next: {$ref: '#/components/schemas/NextUsed'}}}"),
		contracttest.Set(operation+" responses 404", "{$ref: '#/components/responses/Next'}")))
	if err != nil {
		t.Fatal(err)
	}
	schemas := readTexts(root, isListing).schemas
	for name, want := range map[string]bool{"v1DeploymentRecord": true, "protobufAny": true, "NextUsed": true, "NextOther": false} {
		if schemas[name] != want {
			t.Errorf("%s: got %t", name, schemas[name])
		}
	}
}

func TestWordsThatDifferAreMarked(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a b c", "a b c", "a b c"},
		{"", "a b", "a b"},
		{"a b", "", "a b"},
		{"a b c", "a x c", "a [-b-] {+x+} c"},
		{"a b c", "a c", "a [-b-] c"},
		{"a c", "a b c", "a {+b+} c"},
		{"a", "b", "[-a-] {+b+}"},
		{"a a a", "a a", "a a [-a-]"},
		{"x a b y c z", "1 a 2 y c 3", "[-x-] {+1+} a [-b-] {+2+} y c [-z-] {+3+}"},
		{strings.Repeat("a ", 4000) + "x", strings.Repeat("b ", 4000) + "x", "[-" + strings.TrimSpace(strings.Repeat("a ", 4000)) + "-] {+" + strings.TrimSpace(strings.Repeat("b ", 4000)) + "+} x"},
	} {
		if got := diffWords(c.before, c.after); got != c.want {
			t.Errorf("%.30q, %.30q: got %.100q, want %.100q", c.before, c.after, got, c.want)
		}
	}
}

func TestTextsAreWrapped(t *testing.T) {
	long := strings.Repeat("ä", 200)
	lines := strings.Split(wrap(strings.Repeat("word ", 50)+long+" end", "  "), "\n")
	if len(lines) < 4 || !slices.Contains(lines, "  "+long) {
		t.Errorf("got %q", lines)
	}
	for _, line := range lines {
		if len(line) > lineWidth && line != "  "+long {
			t.Errorf("a line of %d characters", len(line))
		}
	}
}

// A parameter of the path is one of each operation: moving it there deletes nothing.
func TestAParameterMovedToThePathIsNoChange(t *testing.T) {
	d := diffAfter(t,
		contracttest.Remove(parameters+" name=environment_name"),
		contracttest.Set("paths /v1/deployments parameters", "[{description: Optional filter by environment name, in: query, name: environment_name, schema: {type: string}}]"))
	if reported := groups(d); reported != "" {
		t.Errorf("got %s", reported)
	}
}
