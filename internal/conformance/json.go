package conformance

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// value is a JSON value as it was sent: nothing is merged, rounded or dropped.
type value struct {
	// kind is that of jsontext: n, f, t, ", 0, { or [.
	kind jsontext.Kind
	// text is the content of a string, or the digits of a number.
	text    string
	members []member
	items   []*value
}

type member struct {
	name  string
	value *value
}

// readJSON reads a body. With a fault of the text it may give the value that came before it, or nil.
func readJSON(body []byte) (v *value, fault string) {
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v, err := readValue(decoder)
	if err != nil {
		return nil, fmt.Sprintf("the body is not JSON: %s", quoteBody(body))
	}
	if rest := bytes.TrimSpace(body[decoder.InputOffset():]); len(rest) > 0 {
		return v, fmt.Sprintf("%s follows the JSON value", quoteBody(rest))
	}
	if !utf8.Valid(body) {
		return v, "the body is not UTF-8"
	}
	return v, ""
}

func readValue(decoder *jsontext.Decoder) (*value, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &value{kind: token.Kind()}
	switch v.kind {
	case '"', '0':
		v.text = token.String()
	case '{':
		for decoder.PeekKind() != '}' {
			name, err := decoder.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			inner, err := readValue(decoder)
			if err != nil {
				return nil, err
			}
			v.members = append(v.members, member{key, inner})
		}
		_, err = decoder.ReadToken()
	case '[':
		for decoder.PeekKind() != ']' {
			inner, err := readValue(decoder)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, inner)
		}
		_, err = decoder.ReadToken()
	}
	return v, err
}

// member is a property of an object, or nil.
func (v *value) member(path ...string) *value {
	for _, name := range path {
		if v == nil {
			return nil
		}
		var found *value
		for _, m := range v.members {
			if m.name == name {
				found = m.value
			}
		}
		v = found
	}
	return v
}

// string is a text within an object, and whether there is one.
func (v *value) string(path ...string) (string, bool) {
	if found := v.member(path...); found != nil && found.kind == '"' {
		return found.text, true
	}
	return "", false
}

// integer is a whole number within an object, and whether there is one.
func (v *value) integer(path ...string) (int64, bool) {
	found := v.member(path...)
	if found == nil || found.kind != '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(found.text, 10, 64)
	return n, err == nil
}

// plain is the value in the form of encoding/json, which kin-openapi judges.
func (v *value) plain() any {
	switch v.kind {
	case 't':
		return true
	case 'f':
		return false
	case '"':
		return v.text
	case '0':
		n, _ := strconv.ParseFloat(v.text, 64)
		return n
	case '{':
		object := make(map[string]any, len(v.members))
		for _, m := range v.members {
			object[m.name] = m.value.plain()
		}
		return object
	case '[':
		list := make([]any, len(v.items))
		for i, item := range v.items {
			list[i] = item.plain()
		}
		return list
	}
	return nil
}

// kindName is what a value is, for a person.
func (v *value) kindName() string {
	switch v.kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "the number " + cut(v.text)
	case '{':
		return "an object"
	default:
		return "an array"
	}
}

// quoteBody quotes the beginning of a text of the server's.
func quoteBody(body []byte) string {
	return strconv.Quote(cut(string(body)))
}

// cut keeps the beginning of a long text.
func cut(text string) string {
	const most = 120
	if runes := []rune(strings.ToValidUTF8(text, "\uFFFD")); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
