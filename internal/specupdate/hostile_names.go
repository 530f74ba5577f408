package specupdate

import (
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The generator writes names of the document into Go's texts, tags and comments. Whether it escapes them is its own
// affair, and may be another in its next version: a name that could end a text is refused here.

// inspectNames looks at the names that an object gives, in examples too.
func (i *inspector) inspectNames(object *yaml.Node) {
	for _, of := range []string{"paths", "properties", "headers"} {
		i.inspectKeys("the name", member(object, of))
	}
	if in := member(object, "in"); in != nil && in.Kind == yaml.ScalarNode {
		i.inspectName("the name", member(object, "name"))
	}
	i.inspectName("the operationId", member(object, "operationId"))
	if property := member(object, "propertyName"); property != nil && property.Kind == yaml.ScalarNode {
		i.inspectName("the name", property)
		i.inspectKeys("the value", member(object, "mapping"))
	}
}

// inspectComponents looks at the names of schemas, parameters and all else that is referred to.
func (i *inspector) inspectComponents(components *yaml.Node) {
	if components == nil || components.Kind != yaml.MappingNode {
		return
	}
	for at := 1; at < len(components.Content); at += 2 {
		i.inspectKeys("the name", components.Content[at])
	}
}

func (i *inspector) inspectKeys(what string, object *yaml.Node) {
	if object == nil || object.Kind != yaml.MappingNode {
		return
	}
	for at := 0; at < len(object.Content); at += 2 {
		i.inspectName(what, object.Content[at])
	}
}

func (i *inspector) inspectName(what string, name *yaml.Node) {
	if name == nil || name.Kind != yaml.ScalarNode {
		return // a property may be called operationId
	}
	if at := strings.IndexFunc(name.Value, endsText); at >= 0 {
		r := []rune(name.Value[at:])[0]
		i.refuse(name, "%s %.64q has the character %q, which could end a text in the code that is made of it", what, name.Value, r)
	}
}

// endsText says whether a character means something within Go's texts and tags, or is not to be seen.
func endsText(r rune) bool { return strings.ContainsRune("\"'`\\", r) || !unicode.IsPrint(r) }
