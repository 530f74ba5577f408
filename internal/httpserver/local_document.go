package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// An OpenAPI client sends its token to the addresses under servers, and upstream's document names upstream's host there.
// This file derives the document whose only server is the one that serves it (R4).

// localServers is the value of servers in the derived document, as JSON and so as YAML.
const localServers = `[{"url": "/"}]`

// localDocument returns a document in YAML or JSON with localServers as its servers. Paths and operations that have
// servers of their own get the same. It edits only their bytes if it can; otherwise it encodes the document again.
func localDocument(document []byte) ([]byte, error) {
	if json.Valid(document) {
		return localJSON(document)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if root.Kind != yaml.DocumentNode || root.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the OpenAPI document is not an object")
	}
	edited := replaceServersLines(document, root.Content[0])
	resolveAliases(&root)
	setLocalServers(root.Content[0])
	var check yaml.Node
	if err := yaml.Unmarshal(edited, &check); err == nil {
		if resolveAliases(&check); equalNodes(&check, &root) {
			return edited, nil
		}
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	return text.Bytes(), nil
}

// localJSON replaces the servers of a document that is valid JSON.
func localJSON(document []byte) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(document), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginObject {
		return nil, errors.New("the OpenAPI document is not an object")
	}
	var edited bytes.Buffer
	begin := int(decoder.InputOffset())
	copied, found := begin, false
	for decoder.PeekKind() != jsontext.KindInvalid {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("read the OpenAPI document: %w", err)
		}
		kind, length := decoder.StackIndex(decoder.StackDepth())
		if kind != jsontext.KindBeginObject || length%2 == 0 || token.String() != "servers" {
			continue // not the name of a member
		}
		path := slices.Collect(decoder.StackPointer().Tokens())
		if !isServers(path) {
			continue
		}
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("read the OpenAPI document: %w", err)
		}
		found = found || len(path) == 1
		end := int(decoder.InputOffset())
		edited.Write(document[copied : end-len(value)])
		edited.WriteString(localServers)
		copied = end
	}
	edited.Write(document[copied:])
	if found {
		return slices.Concat(document[:begin], edited.Bytes()), nil
	}
	return slices.Concat(document[:begin], []byte(`"servers": `+localServers+`,`), edited.Bytes()), nil
}

// isServers reports whether a path, split at its slashes, is that of the document's servers, or of those of a path or an
// operation.
func isServers(path []string) bool {
	switch len(path) {
	case 1:
		return path[0] == "servers"
	case 3, 4:
		return path[0] == "paths" && path[len(path)-1] == "servers"
	}
	return false
}

// replaceServersLines replaces the lines of the top member servers. The caller must verify the result: the lines of some
// documents hold more or less than this member.
func replaceServersLines(document []byte, root *yaml.Node) []byte {
	lines := bytes.SplitAfter(document, []byte("\n"))
	from, to := len(lines), len(lines)
	for i := 0; i < len(root.Content); i += 2 {
		switch line := root.Content[i].Line - 1; {
		case root.Content[i].Value == "servers":
			from = line
		case from < len(lines):
			to = min(to, line)
		}
	}
	if from > to || to > len(lines) {
		return nil
	}
	// The comments and empty lines before the next member are its own.
	for to > from+1 && (len(bytes.TrimSpace(lines[to-1])) == 0 || bytes.TrimSpace(lines[to-1])[0] == '#') {
		to--
	}
	newline := "\n"
	if bytes.HasSuffix(lines[0], []byte("\r\n")) {
		newline = "\r\n"
	}
	before := bytes.Join(lines[:from], nil)
	if len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		before = append(before, newline...)
	}
	member := []byte("servers:" + newline + "  - url: /" + newline)
	return slices.Concat(before, member, bytes.Join(lines[to:], nil))
}

// setLocalServers replaces the servers of the document, and of the paths and operations that have some.
func setLocalServers(root *yaml.Node) {
	if !replaceServers(root) {
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "servers"}, localServersNode())
	}
	forEachMember(root, func(name string, paths *yaml.Node) {
		if name != "paths" {
			return
		}
		forEachMember(paths, func(_ string, path *yaml.Node) {
			replaceServers(path)
			forEachMember(path, func(_ string, operation *yaml.Node) { replaceServers(operation) })
		})
	})
}

// replaceServers replaces the member servers of an object, and reports whether there is one.
func replaceServers(object *yaml.Node) (found bool) {
	forEachMember(object, func(name string, value *yaml.Node) {
		if name == "servers" {
			*value, found = *localServersNode(), true
		}
	})
	return found
}

// forEachMember visits the members of an object. Other nodes have none.
func forEachMember(object *yaml.Node, visit func(name string, value *yaml.Node)) {
	for i := 0; object.Kind == yaml.MappingNode && i < len(object.Content); i += 2 {
		visit(object.Content[i].Value, object.Content[i+1])
	}
}

func localServersNode() *yaml.Node {
	scalar := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value} }
	server := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{scalar("url"), scalar("/")}}
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{server}}
}

// resolveAliases replaces aliases by copies of their anchors, which a replaced value may contain.
func resolveAliases(node *yaml.Node) {
	for i, child := range node.Content {
		if child.Kind == yaml.AliasNode {
			copied := *child.Alias
			copied.Content = slices.Clone(copied.Content)
			node.Content[i] = &copied
		}
		node.Content[i].Anchor = ""
		resolveAliases(node.Content[i])
	}
}

// equalNodes reports whether two nodes have the same values, however they are written.
func equalNodes(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, equalNodes)
}
