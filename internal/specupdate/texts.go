package specupdate

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/document"
)

// texts are the texts for people in a document, by location, and its examples.
type texts struct {
	root *yaml.Node
	// words are descriptions, titles, summaries and the like. examples are written as YAML.
	words, examples map[string]string
	// schemas are those that implemented operations refer to, directly or not.
	schemas map[string]bool
}

var (
	// namedMembers are the members whose keys are names that the document defines.
	namedMembers = []string{"properties", "patternProperties", "schemas", "responses", "headers", "content", "callbacks", "links", "encoding", "variables", "securitySchemes", "requestBodies", "pathItems", "webhooks", "$defs", "dependentSchemas"}
	// dataMembers hold values of the API, where "description" is no description.
	dataMembers = []string{"default", "enum", "const", "required", "security", "mapping"}
	// sharedComponent matches references to components that are read where an operation uses them. Schemas have their own
	// locations: they are used many times and can refer to themselves.
	sharedComponent = regexp.MustCompile(`^#/components/(parameters|responses|requestBodies|headers|callbacks|links)/([^/]+)$`)
	schemaReference = regexp.MustCompile(`^#/components/schemas/([^/]+)$`)
)

// readTexts returns the texts of a sanitized document. A parameter of a path counts as one of each of its operations.
func readTexts(root *yaml.Node, implements func(method, path string) bool) *texts {
	t := &texts{root: root, words: make(map[string]string), examples: make(map[string]string), schemas: make(map[string]bool)}
	for key, value := range document.Members(root) {
		switch key {
		case "paths":
			for path, item := range document.Members(value) {
				t.addPath(path, item, implements)
			}
		case "components":
			for kind, components := range document.Members(value) {
				if !sharedComponent.MatchString("#/components/" + kind + "/x") {
					t.addNamed(strings.TrimSuffix(kind, "s"), components, 0)
				}
			}
		case "servers":
			t.addValue(key, value, 0)
		case "info", "tags", "externalDocs":
			t.addDocumentation(key, value)
		}
	}
	return t
}

func (t *texts) addPath(path string, item *yaml.Node, implements func(method, path string) bool) {
	for key, value := range document.Members(item) {
		switch {
		case key == "parameters":
		case slices.Contains(document.Methods, key):
			operation := strings.ToUpper(key) + " " + path
			t.addObject(operation, value, 0)
			own := make(map[string]bool)
			for name := range t.parameters(document.Member(value, "parameters")) {
				own[name] = true
			}
			for name, parameter := range t.parameters(document.Member(item, "parameters")) {
				if !own[name] {
					t.addObject(operation+" "+name, parameter, 0)
				}
			}
			if implements(strings.ToUpper(key), path) {
				t.addSchemas(value)
				t.addSchemas(document.Member(item, "parameters"))
			}
		default:
			t.addMember(path, key, value, 0)
		}
	}
}

// parameters iterates over a list of parameters by "query name".
func (t *texts) parameters(list *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if list == nil || list.Kind != yaml.SequenceNode {
			return
		}
		for _, item := range list.Content {
			parameter := t.resolve(item)
			in, name := document.Member(parameter, "in"), document.Member(parameter, "name")
			if in != nil && name != nil && !yield(in.Value+" "+name.Value, parameter) {
				return
			}
		}
	}
}

// resolve returns the component that a reference refers to, or the node itself.
func (t *texts) resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		ref := document.Member(n, "$ref")
		if ref == nil {
			return n
		}
		match := sharedComponent.FindStringSubmatch(ref.Value)
		if match == nil {
			return n
		}
		target := document.Member(document.Member(document.Member(t.root, "components"), match[1]), unescapePointer(match[2]))
		if target == nil {
			return n
		}
		n = target
	}
	return n
}

// unescapePointer decodes a reference token of a JSON pointer (RFC 6901).
func unescapePointer(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// addSchemas marks the schemas that a node refers to, directly or not.
func (t *texts) addSchemas(n *yaml.Node) {
	if n == nil {
		return
	}
	if ref := document.Member(n, "$ref"); ref != nil {
		if match := schemaReference.FindStringSubmatch(ref.Value); match != nil {
			if name := unescapePointer(match[1]); !t.schemas[name] {
				t.schemas[name] = true
				t.addSchemas(document.Member(document.Member(document.Member(t.root, "components"), "schemas"), name))
			}
			return
		}
		if target := t.resolve(n); target != n {
			t.addSchemas(target)
			return
		}
	}
	for _, child := range n.Content {
		t.addSchemas(child)
	}
}

func (t *texts) addObject(location string, n *yaml.Node, depth int) {
	if depth > maxDepth {
		return
	}
	for key, value := range document.Members(t.resolve(n)) {
		t.addMember(location, key, value, depth+1)
	}
}

func (t *texts) addMember(location, key string, value *yaml.Node, depth int) {
	below := location + " " + key
	switch {
	case key == "example" || key == "examples":
		t.examples[below] = inline(value)
	case slices.Contains(documentation, key):
		t.addDocumentation(below, value)
	case slices.Contains(dataMembers, key) || strings.HasPrefix(key, "x-"):
	case slices.Contains(namedMembers, key):
		t.addNamed(below, value, depth)
	case key == "parameters":
		for name, parameter := range t.parameters(value) {
			t.addObject(location+" "+name, parameter, depth)
		}
	default:
		t.addValue(below, value, depth)
	}
}

func (t *texts) addNamed(location string, object *yaml.Node, depth int) {
	for name, value := range document.Members(object) {
		t.addObject(location+" "+name, value, depth)
	}
}

func (t *texts) addValue(location string, n *yaml.Node, depth int) {
	switch n.Kind {
	case yaml.MappingNode:
		t.addObject(location, n, depth)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			t.addObject(location+" "+strconv.Itoa(i+1), item, depth)
		}
	}
}

// addDocumentation adds every value of a member that is for people only.
func (t *texts) addDocumentation(location string, n *yaml.Node) {
	switch n.Kind {
	case yaml.ScalarNode:
		t.words[location] = n.Value
	case yaml.MappingNode:
		for key, value := range document.Members(n) {
			t.addDocumentation(location+" "+key, value)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			name := item.Value
			if named := document.Member(item, "name"); named != nil {
				name = named.Value
			}
			t.addDocumentation(location+" "+name, item)
		}
	}
}

// textChange is a text that was added, changed or removed.
type textChange struct {
	location, before, after string
	// ours reports whether the text is about an implemented operation or the API as a whole.
	ours bool
}

func (c textChange) String() string {
	what := "changed"
	switch {
	case c.before == "":
		what = "added"
	case c.after == "":
		what = "removed"
	}
	return c.location + ", " + what + ":\n" + wrap(diffWords(c.before, c.after), "      ")
}

// compareTexts returns the texts that differ in more than white space, and the number of examples that differ.
func compareTexts(before, after *texts, implements func(method, path string) bool) (changes []textChange, examples int) {
	isOurs := func(location string) bool {
		first, rest, _ := strings.Cut(location, " ")
		second, _, _ := strings.Cut(rest, " ")
		switch {
		case first == "schema":
			return before.schemas[second] || after.schemas[second]
		case strings.HasPrefix(second, "/"):
			return implements(first, second)
		}
		return true
	}
	for _, location := range differing(before.words, after.words) {
		c := textChange{location: location, before: oneLine(before.words[location]), after: oneLine(after.words[location]), ours: isOurs(location)}
		if c.before != c.after {
			changes = append(changes, c)
		}
	}
	return changes, len(differing(before.examples, after.examples))
}

// differing returns the sorted keys whose values differ.
func differing(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	maps.DeleteFunc(all, func(key, _ string) bool {
		before, was := a[key]
		after, is := b[key]
		return was == is && before == after
	})
	return slices.Sorted(maps.Keys(all))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// mostOthers limits the texts of operations that are not implemented: a whole API has thousands.
const mostOthers = 50

// printTexts prints every text about implemented operations, whole.
func printTexts(w io.Writer, changes []textChange) {
	ours := slices.DeleteFunc(slices.Clone(changes), func(c textChange) bool { return !c.ours })
	others := slices.DeleteFunc(slices.Clone(changes), func(c textChange) bool { return c.ours })
	printGroup(w, "Wording: read whether it still means the same", ours)
	if len(others) > mostOthers {
		fmt.Fprintf(w, "\nWording of operations that are not implemented: %d texts, which git diff shows\n", len(others))
		return
	}
	printGroup(w, "Wording of operations that are not implemented", others)
}
