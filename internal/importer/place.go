package importer

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// place is where something stands in a line. It is made for every member and becomes text only where there is a
// fault to tell.
type place struct {
	// object is the member that holds the object; empty for the line's own.
	object string
	// element counts the objects from 1 if object is an array of them, and is 0 if not.
	element int
	name    string
}

// member is the place of a member of the object at p.
func (p place) member(name string) place {
	p.name = name
	return p
}

// String gives the place as artifact.digest or project_versions[1].project_name.
func (p place) String() string {
	in := p.object
	if p.element > 0 {
		in = fmt.Sprintf("%s[%d]", in, p.element-1)
	}
	if in == "" || p.name == "" {
		return in + p.name
	}
	return in + "." + p.name
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	default:
		return "null"
	}
}
