package specupdate

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where two documents differ. What is added or removed whole is one place.
type place struct {
	// path is the keys down to the place, items of lists by their name or number.
	path []string
	// line is where it stands in the new document, or in the old one if removed.
	line     int
	old, new *yaml.Node
}

func (p place) String() string {
	name := strings.Join(p.path, " ")
	switch {
	case p.old == nil:
		return fmt.Sprintf("line %d: + %s%s", p.line, name, short(p.new))
	case p.new == nil:
		return fmt.Sprintf("old line %d: - %s%s", p.line, name, short(p.old))
	default:
		return fmt.Sprintf("line %d: %s%s ->%s", p.line, name, short(p.old), short(p.new))
	}
}

func short(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	text := strings.Join(strings.Fields(n.Value), " ")
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "..."
	}
	return fmt.Sprintf(" %q", text)
}

// documentation are the members that are for people: a change of one changes no answer by itself.
var documentation = []string{"description", "title", "summary", "example", "examples", "externalDocs", "contact", "license", "termsOfService", "tags", "version"}

// wording says whether the place is one of the members that are for people, or within one. Below "properties" and the
// like, the same words are names.
func (p place) wording() bool {
	for i, key := range p.path {
		named := i > 0 && slices.Contains([]string{"properties", "schemas", "paths", "responses", "parameters", "enum"}, p.path[i-1])
		if slices.Contains(documentation, key) && !named && (key != "version" || i > 0 && p.path[i-1] == "info") {
			return true
		}
	}
	return false
}

// differences compares two trees.
func differences(path []string, before, after *yaml.Node) []place {
	at := func(key string) []string { return append(path[:len(path):len(path)], key) }
	if before.Kind != after.Kind {
		return []place{{path, after.Line, before, after}}
	}
	if before.Kind == yaml.ScalarNode {
		if before.Value == after.Value && before.Tag == after.Tag {
			return nil
		}
		return []place{{path, after.Line, before, after}}
	}
	oldKeys, old := children(before)
	newKeys, now := children(after)
	var found []place
	for _, key := range oldKeys {
		if now[key] == nil {
			found = append(found, place{at(key), old[key].Line, old[key], nil})
		} else {
			found = append(found, differences(at(key), old[key], now[key])...)
		}
	}
	for _, key := range newKeys {
		if old[key] == nil {
			found = append(found, place{at(key), now[key].Line, nil, now[key]})
		}
	}
	if common := slices.DeleteFunc(slices.Clone(oldKeys), func(key string) bool { return now[key] == nil }); before.Kind == yaml.SequenceNode {
		if !slices.Equal(common, slices.DeleteFunc(slices.Clone(newKeys), func(key string) bool { return old[key] == nil })) {
			found = append(found, place{at("(order)"), after.Line, before, after})
		}
	}
	return found
}

// children names the members of an object, and the items of a list: by their "in" and "name", by their value, or else
// by their number.
func children(n *yaml.Node) (keys []string, byKey map[string]*yaml.Node) {
	byKey = make(map[string]*yaml.Node)
	add := func(key string, child *yaml.Node) {
		if byKey[key] != nil {
			key = fmt.Sprintf("%s#%d", key, len(keys))
		}
		keys = append(keys, key)
		byKey[key] = child
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			add(n.Content[i].Value, n.Content[i+1])
		}
		return keys, byKey
	}
	for i, item := range n.Content {
		name, in := member(item, "name"), member(item, "in")
		switch {
		case item.Kind == yaml.ScalarNode:
			add(item.Value, item)
		case name != nil && in != nil:
			add(in.Value+":"+name.Value, item)
		case name != nil:
			add(name.Value, item)
		default:
			add(fmt.Sprintf("#%d", i), item)
		}
	}
	return keys, byKey
}
