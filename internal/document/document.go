// Package document parses OpenAPI documents into nodes that know their lines, and reduces a document to the operations that
// a server implements.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// MaxDepth limits the nesting of a JSON document. YAML parsers have their own limit.
const MaxDepth = 100

// Parse returns the root of a file that holds exactly one YAML or JSON document, an object.
func Parse(text []byte) (*yaml.Node, error) {
	if isJSON(text) {
		return parseJSON(text)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var file yaml.Node
	if err := decoder.Decode(&file); errors.Is(err, io.EOF) {
		return nil, errors.New("the document is empty")
	} else if err != nil {
		return nil, fmt.Errorf("the document is not YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file has more than one YAML document, or invalid text at its end")
	}
	if file.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the document is not an object")
	}
	return file.Content[0], nil
}

// Member returns the value of an object's member, or nil.
func Member(object *yaml.Node, name string) *yaml.Node {
	for key, value := range Members(object) {
		if key == name {
			return value
		}
	}
	return nil
}

// Members iterates over the members of an object. A node that is no object has none.
func Members(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}
