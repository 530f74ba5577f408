package contracttest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Change edits a document. A location is a list of keys separated by spaces. In a list, "name=status" is the item with
// this member and "=DEPLOYED" the item with this value.
type Change func(t testing.TB, root *yaml.Node)

// Changed returns the document with the changes. A location that does not exist fails the test.
func Changed(t testing.TB, document []byte, changes ...Change) []byte {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(t, root.Content[0])
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// Set sets a member or an item to a value, written as YAML. A member may be new.
func Set(location, value string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, location)
		if i := childIndex(parent, key); i >= 0 {
			parent.Content[i] = node(t, value)
			return
		}
		if parent.Kind == yaml.SequenceNode {
			t.Fatalf("%s does not exist", location)
		}
		parent.Content = append(parent.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, node(t, value))
	}
}

// Copy sets a new member to the value of another location.
func Copy(from, to string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, to)
		text, err := yaml.Marshal(find(t, root, from))
		if err != nil {
			t.Fatal(err)
		}
		parent.Content = append(parent.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, node(t, string(text)))
	}
}

// SetOperation sets an operation of a path, which may be new.
func SetOperation(path, method, value string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		if paths := find(t, root, "paths"); childIndex(paths, path) < 0 {
			Set("paths "+path, "{}")(t, root)
		}
		Set("paths "+path+" "+method, value)(t, root)
	}
}

// Insert inserts a value, written as YAML, before the item at index; -1 appends it.
func Insert(location string, index int, value string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		list := find(t, root, location)
		i := index
		if i < 0 {
			i = len(list.Content)
		}
		list.Content = slices.Insert(list.Content, i, node(t, value))
	}
}

// Remove removes a member of an object or an item of a list.
func Remove(location string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, location)
		i := childIndex(parent, key)
		if i < 0 {
			t.Fatalf("%s does not exist", location)
		}
		from := i
		if parent.Kind == yaml.MappingNode {
			from-- // the key
		}
		parent.Content = slices.Delete(parent.Content, from, i+1)
	}
}

// Rename renames a member and, if it is a schema, the references to it.
func Rename(location, name string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, location)
		i := childIndex(parent, key)
		if i < 0 || parent.Kind != yaml.MappingNode {
			t.Fatalf("%s does not exist", location)
		}
		parent.Content[i-1].Value = name
		const schemas = "#/components/schemas/"
		var rename func(*yaml.Node)
		rename = func(n *yaml.Node) {
			if n.Value == schemas+key {
				n.Value = schemas + name
			}
			for _, child := range n.Content {
				rename(child)
			}
		}
		rename(root)
	}
}

func node(t testing.TB, text string) *yaml.Node {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

func find(t testing.TB, root *yaml.Node, location string) *yaml.Node {
	t.Helper()
	for key := range strings.FieldsSeq(location) {
		i := childIndex(root, key)
		if i < 0 {
			t.Fatalf("%s: %s does not exist", location, key)
		}
		root = root.Content[i]
	}
	return root
}

func parentOf(t testing.TB, root *yaml.Node, location string) (parent *yaml.Node, key string) {
	t.Helper()
	keys := strings.Fields(location)
	return find(t, root, strings.Join(keys[:len(keys)-1], " ")), keys[len(keys)-1]
}

// childIndex returns the index in Content of the value of a member or of an item, or -1.
func childIndex(parent *yaml.Node, key string) int {
	if parent.Kind == yaml.MappingNode {
		for i := 0; i < len(parent.Content); i += 2 {
			if parent.Content[i].Value == key {
				return i + 1
			}
		}
		return -1
	}
	name, value, _ := strings.Cut(key, "=")
	for i, item := range parent.Content {
		if name == "" && item.Value == value {
			return i
		}
		if item.Kind == yaml.MappingNode {
			if j := childIndex(item, name); j >= 0 && item.Content[j].Value == value {
				return i
			}
		}
	}
	return -1
}
