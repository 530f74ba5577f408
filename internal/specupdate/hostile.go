package specupdate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// A document comes from outside, and code is made of it that is compiled and run before anybody reads it. What follows
// refuses what no honest OpenAPI document of upstream's needs and what could reach beyond it.

// maxDepth bounds how deep a document nests.
const maxDepth = 100

var (
	openAPIVersion = regexp.MustCompile(`^3\.[01]\.\d+$`)
	// generatorExtension is what the generator takes as orders about Go code. In the overlay they are ours; in the
	// document they would put upstream's text into our code, or swap the names of constants (x-enum-varnames goes by
	// position). A test compares the list with the generator's.
	generatorExtension = regexp.MustCompile(`(?i)^(x-go-.*|x-oapi-codegen-.*|x-enum-?(var)?names|x-omitempty|x-omitzero|x-deprecated-reason|x-order)$`)
)

// maxRefusals is how many faults of a document are told.
const maxRefusals = 20

// inspect refuses a document that is hostile or not a valid OpenAPI 3.0 or 3.1. It gives the document's tree.
func inspect(document []byte) (*yaml.Node, error) {
	if len(document) > maxDocument {
		return nil, errors.New("the document has more than 16 MiB")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	var root yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, errors.New("the document is empty")
	} else if err != nil {
		return nil, fmt.Errorf("the document is not YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file has more than one YAML document, or rubbish at its end")
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("the document is not an object")
	}
	i := inspector{}
	i.inspect(top, 0)
	i.inspectComponents(member(top, "components"))
	version := member(top, "openapi")
	if version == nil || version.Kind != yaml.ScalarNode || !openAPIVersion.MatchString(version.Value) {
		i.refuse(top, "the document is not OpenAPI 3.0 or 3.1, which its member openapi would say")
	}
	if len(i.faults) > 0 {
		return nil, errors.Join(i.faults...)
	}
	loader := openapi3.NewLoader() // which follows no reference out of the document
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("the document cannot be read as OpenAPI: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("the document is not valid OpenAPI: %w", err)
	}
	return top, nil
}

type inspector struct{ faults []error }

func (i *inspector) refuse(n *yaml.Node, format string, args ...any) {
	if len(i.faults) < maxRefusals {
		i.faults = append(i.faults, fmt.Errorf("line %d: "+format, append([]any{n.Line}, args...)...))
	}
}

func (i *inspector) inspect(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		i.refuse(n, "the document nests deeper than %d levels", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		i.refuse(n, "a YAML anchor or alias: a few of them can stand for gigabytes")
		return
	case n.Style&yaml.TaggedStyle != 0:
		i.refuse(n, "a YAML tag (%s)", n.Tag)
	}
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			i.inspect(item, depth+1)
		}
		return
	}
	i.inspectNames(n)
	seen := make(map[string]int)
	for at := 0; at < len(n.Content); at += 2 {
		key, value := n.Content[at], n.Content[at+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			i.refuse(key, "a key that is not a plain text")
			continue
		}
		if first, twice := seen[key.Value]; twice {
			i.refuse(key, "the key %q is there already, in line %d", key.Value, first)
		}
		seen[key.Value] = key.Line
		i.inspectMember(key, value)
		i.inspect(key, depth+1)
		i.inspect(value, depth+1)
	}
}

// inspectMember looks for orders to the generator and for ways out of the document.
func (i *inspector) inspectMember(key, value *yaml.Node) {
	if generatorExtension.MatchString(strings.TrimSpace(key.Value)) {
		i.refuse(key, "%s: the code generator obeys it, and it is not upstream's to say how our code looks", key.Value)
	}
	if value.Kind != yaml.ScalarNode {
		return // a property may be called $ref
	}
	switch key.Value {
	case "$ref", "$dynamicRef", "$recursiveRef", "operationRef":
		if !strings.HasPrefix(value.Value, "#/") {
			i.refuse(value, "%s leads out of the document: %.64q", key.Value, value.Value)
		}
	case "$id", "$anchor", "$dynamicAnchor":
		i.refuse(value, "%s changes what references mean", key.Value)
	}
}

// member is that of an object, or nil.
func member(object *yaml.Node, name string) *yaml.Node {
	if object == nil || object.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(object.Content); i += 2 {
		if object.Content[i].Value == name {
			return object.Content[i+1]
		}
	}
	return nil
}
