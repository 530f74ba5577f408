package specupdate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/document"
)

const (
	// maxDepth limits the nesting of a document.
	maxDepth = document.MaxDepth
	// maxViolations limits how many violations one error reports.
	maxViolations = 20
)

var (
	openAPIVersion = regexp.MustCompile(`^3\.[01]\.\d+$`)
	// generatorExtension matches the extensions that control the code generator. The overlay may use them. In upstream's
	// document they would put upstream's text into this project's code, or swap the names of constants: x-enum-varnames
	// names values by position. A test compares the pattern with the generator's source.
	generatorExtension = regexp.MustCompile(`(?i)^(x-go-.*|x-oapi-codegen-.*|x-enum-?(var)?names|x-omitempty|x-omitzero|x-deprecated-reason|x-order)$`)
)

// sanitize parses a document and rejects one that could do harm or is not valid OpenAPI 3.0 or 3.1. Code is generated
// from the document, compiled and run before anybody has read it. So sanitize rejects every construct that reaches beyond
// the document and that an ordinary OpenAPI document does not need.
func sanitize(text []byte) (*openapi3.T, error) {
	root, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	s := sanitizer{}
	s.check(root, position{})
	s.checkComponents(document.Member(root, "components"))
	version := document.Member(root, "openapi")
	if version == nil || version.Kind != yaml.ScalarNode || !openAPIVersion.MatchString(version.Value) {
		s.reject(root, "the member openapi must be 3.0.x or 3.1.x: the document is not OpenAPI 3.0 or 3.1")
	}
	if len(s.violations) > 0 {
		return nil, errors.Join(s.violations...)
	}
	// Patterns are of another dialect than Go's. internal/contract checks those of implemented operations.
	loader := openapi3.NewLoader() // does not follow references out of the document
	parsed, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("the document cannot be read as OpenAPI: %w", err)
	}
	if err := parsed.Validate(loader.Context, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		return nil, fmt.Errorf("the document is not valid OpenAPI: %w", err)
	}
	return parsed, nil
}

// parseObject returns the root of a document of a limited size.
func parseObject(text []byte) (*yaml.Node, error) {
	if len(text) > maxDocument {
		return nil, errors.New("the document is larger than 16 MiB")
	}
	return document.Parse(text)
}

type sanitizer struct{ violations []error }

func (s *sanitizer) reject(n *yaml.Node, format string, args ...any) {
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, fmt.Errorf("line %d: "+format, append([]any{n.Line}, args...)...))
	}
}

// position is where a node is in a document.
type position struct {
	depth int
	// names reports whether the keys of the node are names that the document defines, data whether the node is a value of
	// the API, such as an example.
	names, data bool
}

// below returns the position of a member's value.
func (p position) below(key string) position {
	keyword := !p.names && !p.data
	return position{
		depth: p.depth + 1,
		names: keyword && (slices.Contains(namedMembers, key) || key == "parameters" || key == "paths"),
		data:  p.data || keyword && (slices.Contains([]string{"example", "examples", "default", "enum", "const"}, key) || strings.HasPrefix(key, "x-")),
	}
}

func (s *sanitizer) check(n *yaml.Node, at position) {
	switch {
	case at.depth > maxDepth:
		s.reject(n, "the document nests deeper than %d levels", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		s.reject(n, "a YAML anchor or alias: a few of them can expand to gigabytes")
		return
	case n.Style&yaml.TaggedStyle != 0:
		s.reject(n, "a YAML tag (%s)", n.Tag)
	}
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			s.check(item, position{depth: at.depth + 1, data: at.data})
		}
		return
	}
	s.checkNames(n)
	lines := make(map[string]int)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			s.reject(key, "a key that is not a plain string")
			continue
		}
		if first, duplicate := lines[key.Value]; duplicate {
			s.reject(key, "the key %q is already in line %d", key.Value, first)
		}
		lines[key.Value] = key.Line
		s.checkMember(key, value, at)
		s.check(key, at.below(key.Value))
		s.check(value, at.below(key.Value))
	}
}

// checkMember rejects generator extensions and references out of the document.
func (s *sanitizer) checkMember(key, value *yaml.Node, at position) {
	if generatorExtension.MatchString(strings.TrimSpace(key.Value)) {
		s.reject(key, "%s: this extension controls the code generator, which only internal/contract/openapi.overlay.yaml may do", key.Value)
	}
	if value.Kind != yaml.ScalarNode {
		return // the schema of a property that is called $ref
	}
	switch key.Value {
	case "$ref", "$dynamicRef", "$recursiveRef", "operationRef":
		if !strings.HasPrefix(value.Value, "#/") {
			s.reject(value, "%s refers to something outside the document: %.64q", key.Value, value.Value)
		}
	case "$id", "$anchor", "$dynamicAnchor":
		if !at.data {
			s.reject(value, "%s changes the meaning of references", key.Value)
		}
	}
}

// checkNames checks the names that an object defines, in examples too. The generator writes them into Go string
// literals, struct tags and comments, and its next version may escape them differently.
func (s *sanitizer) checkNames(object *yaml.Node) {
	for _, key := range []string{"paths", "properties", "headers"} {
		s.checkKeys("the name", document.Member(object, key))
	}
	if in := document.Member(object, "in"); in != nil && in.Kind == yaml.ScalarNode {
		s.checkName("the name", document.Member(object, "name"))
	}
	s.checkName("the operationId", document.Member(object, "operationId"))
	if property := document.Member(object, "propertyName"); property != nil && property.Kind == yaml.ScalarNode {
		s.checkName("the name", property)
		s.checkKeys("the value", document.Member(object, "mapping"))
	}
}

// checkComponents checks the names of schemas, parameters and the other components.
func (s *sanitizer) checkComponents(components *yaml.Node) {
	if components == nil || components.Kind != yaml.MappingNode {
		return
	}
	for i := 1; i < len(components.Content); i += 2 {
		s.checkKeys("the name", components.Content[i])
	}
}

func (s *sanitizer) checkKeys(kind string, object *yaml.Node) {
	if object == nil || object.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i < len(object.Content); i += 2 {
		s.checkName(kind, object.Content[i])
	}
}

func (s *sanitizer) checkName(kind string, name *yaml.Node) {
	if name == nil || name.Kind != yaml.ScalarNode {
		return // the schema of a property that is called operationId
	}
	if i := strings.IndexFunc(name.Value, isUnsafe); i >= 0 {
		r := []rune(name.Value[i:])[0]
		s.reject(name, "%s %.64q has the character %q, which could end a string in the generated code", kind, name.Value, r)
	}
}

// isUnsafe reports whether a character has a meaning in Go's string literals or struct tags, or is not printable.
func isUnsafe(r rune) bool { return strings.ContainsRune("\"'`\\", r) || !unicode.IsPrint(r) }
