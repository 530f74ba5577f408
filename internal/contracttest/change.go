package contracttest

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Change makes one edit of a document. Places are written as keys with a space between them; "name=status" is the item
// of a list that has this member, and "=DEPLOYED" the item that is this value.
type Change func(t testing.TB, root *yaml.Node)

// Changed gives the document with the edits. A place that is not there fails the test.
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

// Set gives the place a value, written as YAML. The place's parent must be there.
func Set(place, value string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, place)
		if i := childIndex(parent, key); i >= 0 {
			parent.Content[i] = node(t, value)
			return
		}
		if parent.Kind == yaml.SequenceNode {
			t.Fatalf("%s is not there", place)
		}
		parent.Content = append(parent.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, node(t, value))
	}
}

// Insert puts a value, written as YAML, before the number'th item of a list; -1 is the end.
func Insert(place string, number int, value string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		list := find(t, root, place)
		if number < 0 {
			number = len(list.Content)
		}
		list.Content = append(list.Content[:number:number], append([]*yaml.Node{node(t, value)}, list.Content[number:]...)...)
	}
}

// Remove takes away a member of an object or an item of a list; "=SUPERSEDED" is the item with this value.
func Remove(place string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, place)
		i := childIndex(parent, key)
		if i < 0 {
			t.Fatalf("%s is not there", place)
		}
		from := i
		if parent.Kind == yaml.MappingNode {
			from--
		}
		parent.Content = append(parent.Content[:from:from], parent.Content[i+1:]...)
	}
}

// Rename gives a member another name; its references go with it if it is a schema.
func Rename(place, name string) Change {
	return func(t testing.TB, root *yaml.Node) {
		t.Helper()
		parent, key := parentOf(t, root, place)
		i := childIndex(parent, key)
		if i < 0 || parent.Kind != yaml.MappingNode {
			t.Fatalf("%s is not there", place)
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

func find(t testing.TB, root *yaml.Node, place string) *yaml.Node {
	t.Helper()
	for key := range strings.FieldsSeq(place) {
		i := childIndex(root, key)
		if i < 0 {
			t.Fatalf("%s: there is no %s", place, key)
		}
		root = root.Content[i]
	}
	return root
}

func parentOf(t testing.TB, root *yaml.Node, place string) (parent *yaml.Node, key string) {
	t.Helper()
	keys := strings.Fields(place)
	return find(t, root, strings.Join(keys[:len(keys)-1], " ")), keys[len(keys)-1]
}

// childIndex is where in Content the value of a member or an item is, or -1.
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
