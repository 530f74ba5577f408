package document

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Methods are the members of a path that are operations.
var Methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Operation is an operation that a reduced document does not have.
type Operation struct {
	Method, Path string
	// Security are the alternatives by the names of their schemes, nil if those of the document apply.
	Security *[]map[string][]string
}

// Reduce returns a document with the operations that implemented reports, whole, and with what they refer to. It also returns
// all other operations. Libraries take seconds and hundreds of megabytes to read a large API, of which a server needs a
// small part. Reduce returns the text itself and no operations if an operation may refer to something unknown, or if the text
// is no document.
func Reduce(text []byte, implemented func(method, path string) bool) (reduced []byte, others []Operation) {
	root, err := Parse(text)
	if err != nil {
		return text, nil
	}
	r := reducer{components: Member(root, "components"), used: make(map[string]bool)}
	paths := Member(root, "paths")
	var content []*yaml.Node
	for i := 0; paths != nil && paths.Kind == yaml.MappingNode && i < len(paths.Content); i += 2 {
		path, item := paths.Content[i], paths.Content[i+1]
		if r.reducePath(path.Value, item, implemented) {
			content = append(content, path, item)
		}
	}
	if r.unclear || len(content) == 0 {
		return text, nil
	}
	paths.Content = content
	r.reduceComponents()
	reduced, err = yaml.Marshal(root)
	if err != nil {
		return text, nil
	}
	return reduced, r.others
}

type reducer struct {
	components *yaml.Node
	// used are the components that implemented operations refer to, by "#/components/kind/name".
	used   map[string]bool
	others []Operation
	// unclear reports whether an operation may refer to something that the reducer does not follow.
	unclear bool
}

// reducePath removes the operations of a path that are not implemented. It reports whether others are left.
func (r *reducer) reducePath(path string, item *yaml.Node, implemented func(method, path string) bool) (keeps bool) {
	if item.Kind != yaml.MappingNode || Member(item, "$ref") != nil {
		r.unclear = true
		return false
	}
	var content []*yaml.Node
	for i := 0; i < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		method := strings.ToUpper(key.Value)
		isOperation := slices.Contains(Methods, key.Value)
		if isOperation && !implemented(method, path) {
			other := Operation{Method: method, Path: path}
			if security := Member(value, "security"); security != nil && security.Decode(&other.Security) != nil {
				r.unclear = true
			}
			r.others = append(r.others, other)
			continue
		}
		keeps = keeps || isOperation
		content = append(content, key, value)
	}
	item.Content = content
	if keeps {
		r.follow(item)
	}
	return keeps
}

// follow marks the components that a node refers to, directly or not.
func (r *reducer) follow(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		r.unclear = true
	}
	for key, value := range Members(n) {
		if value.Kind == yaml.ScalarNode {
			r.followText(key, value.Value)
		}
		if key == "discriminator" {
			r.unclear = true // its mapping may name schemas without a reference
		}
	}
	for _, child := range n.Content {
		r.follow(child)
	}
}

func (r *reducer) followText(key, value string) {
	rest, isComponent := strings.CutPrefix(value, "#/components/")
	if !isComponent {
		r.unclear = r.unclear || key == "$ref"
		return
	}
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) < 2 || strings.ContainsAny(rest, "~%") {
		r.unclear = true
		return
	}
	name := parts[0] + "/" + parts[1]
	if r.used[name] {
		return
	}
	r.used[name] = true
	if component := Member(Member(r.components, parts[0]), parts[1]); component != nil {
		r.follow(component)
	}
}

// reduceComponents removes the components that no implemented operation uses.
func (r *reducer) reduceComponents() {
	for kind, components := range Members(r.components) {
		if kind == "securitySchemes" || components.Kind != yaml.MappingNode {
			continue
		}
		var content []*yaml.Node
		for i := 0; i < len(components.Content); i += 2 {
			if r.used[kind+"/"+components.Content[i].Value] {
				content = append(content, components.Content[i], components.Content[i+1])
			}
		}
		components.Content = content
	}
}
