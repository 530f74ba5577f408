package trustfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads the nodes of a YAML document strictly, and collects every violation.
type decoder struct {
	directory  string
	read       func(name string) ([]byte, error)
	violations []violation
}

type violation struct {
	line int
	text string
}

func (d *decoder) violation(node *yaml.Node, format string, args ...any) {
	d.violations = append(d.violations, violation{node.Line, fmt.Sprintf(format, args...)})
}

// err returns the violations in the order of their lines, or nil.
func (d *decoder) err() error {
	slices.SortStableFunc(d.violations, func(a, b violation) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, v := range d.violations {
		all = append(all, fmt.Errorf("line %d: %s", v.line, v.text))
	}
	return errors.Join(all...)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document returns the elements of the list that the document is.
func (d *decoder) document(text []byte) []*yaml.Node {
	top := &yaml.Node{Line: 1}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	if err == nil {
		err = decoder.Decode(&more)
		if err == nil {
			d.violation(&more, "is a second YAML document; a trust file has one")
		}
	}
	switch {
	case errors.Is(err, io.EOF) && len(document.Content) > 0:
		top = document.Content[0]
	case errors.Is(err, io.EOF):
		d.violation(top, "the file is empty; it is a list of rules")
		return nil
	case err != nil:
		message := err.Error()
		if found := yamlLine.FindStringSubmatch(message); found != nil && found[1] != "" {
			top.Line, _ = strconv.Atoi(found[1])
		}
		d.violation(top, "is not YAML: %s", yamlLine.ReplaceAllString(message, ""))
		return nil
	default:
		return nil // two documents
	}
	if top.Kind != yaml.SequenceNode || len(top.Content) == 0 {
		d.violation(top, "is %s; a trust file is a list of rules", kind(top))
		return nil
	}
	return top.Content
}

func kind(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.SequenceNode && len(node.Content) == 0:
		return "an empty list"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.AliasNode:
		return "the alias *" + node.Value
	case node.Tag == "!!null":
		return "null"
	}
	return strconv.Quote(node.Value)
}

// member is a member of a mapping.
type member struct {
	name        string
	node, value *yaml.Node
}

// members returns the members of a mapping with their different names.
func (d *decoder) members(what string, node *yaml.Node) (members []member) {
	if node.Kind != yaml.MappingNode {
		d.violation(node, "%s is %s, not a mapping%s", what, kind(node), hint(node))
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		name := node.Content[i]
		switch {
		case name.Kind != yaml.ScalarNode || name.Tag == "!!null" || name.Tag == "!!merge":
			d.violation(name, "%s has a name that is not a text", what)
		case seen[name.Value]:
			d.violation(name, "%s has %s twice", what, strconv.Quote(name.Value))
		default:
			seen[name.Value] = true
			members = append(members, member{name.Value, name, node.Content[i+1]})
		}
	}
	return members
}

// fields calls the function of each member of a mapping. Other members are violations.
func (d *decoder) fields(what string, node *yaml.Node, known map[string]func(value *yaml.Node)) {
	for _, m := range d.members(what, node) {
		if read, ok := known[m.name]; ok {
			read(m.value)
			continue
		}
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		d.violation(m.node, "%s: %s is not a name here; the names are %s", what, strconv.Quote(m.name), strings.Join(names, ", "))
	}
}

// text returns a text, a number or a boolean as it is written. It is not empty.
func (d *decoder) text(what string, node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		d.violation(node, "%s is %s, not a text%s", what, kind(node), hint(node))
		return ""
	}
	if node.Value == "" {
		d.violation(node, "%s is empty", what)
	}
	return node.Value
}

// hint explains a mapping that was meant as a text, since YAML reads {name} as one, and an alias. Aliases are violations: a
// few of them can make a node of endless depth or of any size.
func hint(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode && node.Style == yaml.FlowStyle:
		return "; a claim is ${name}"
	case node.Kind == yaml.AliasNode:
		return "; a trust file has no aliases: repeat the value"
	}
	return ""
}

// texts returns one text or a list of them.
func (d *decoder) texts(what string, node *yaml.Node) (texts []string) {
	if node.Kind != yaml.SequenceNode {
		return []string{d.text(what, node)}
	}
	if len(node.Content) == 0 {
		d.violation(node, "%s is an empty list", what)
	}
	for _, item := range node.Content {
		texts = append(texts, d.text(what, item))
	}
	return texts
}

// truth returns a boolean.
func (d *decoder) truth(what string, node *yaml.Node) (value bool) {
	if node.Tag != "!!bool" || node.Decode(&value) != nil {
		d.violation(node, "%s is %s, neither true nor false%s", what, kind(node), hint(node))
	}
	return value
}

// file returns the bytes of the file that a node names.
func (d *decoder) file(what string, node *yaml.Node) []byte {
	name := d.path(what, node)
	if name == "" {
		return nil
	}
	text, err := d.read(name)
	switch {
	case err != nil:
		d.violation(node, "%s: %v", what, err)
	case len(text) == 0:
		d.violation(node, "%s: %s is empty", what, name)
	default:
		return text
	}
	return nil
}

// path returns the name of a file.
func (d *decoder) path(what string, node *yaml.Node) string {
	name := d.text(what, node)
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.directory, name)
}
