package importer

import (
	"fmt"
	"unicode/utf8"

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

// maxQuoted is how many characters of a value are shown in a message.
const maxQuoted = 64

// quoted shows a value of the file in a message: on one line, with nothing in it that a terminal could obey, and
// not the whole of it if it is long.
func quoted(value string) string {
	if cut := shortened(value); len(cut) < len(value) {
		return fmt.Sprintf("%q…", cut)
	}
	return fmt.Sprintf("%q", value)
}

// shortened cuts a value after maxQuoted characters; a byte that is not UTF-8 counts as one.
func shortened(value string) string {
	end := 0
	for range maxQuoted {
		if end == len(value) {
			break
		}
		_, size := utf8.DecodeRuneInString(value[end:])
		end += size
	}
	return value[:end]
}

// plainName shows a member's name as it is if it looks like one, and else as a quoted value.
func plainName(name []byte) string {
	plain := len(name) > 0 && len(name) <= maxQuoted
	for _, c := range name {
		plain = plain && (c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	}
	if plain {
		return string(name)
	}
	return quoted(string(name))
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
