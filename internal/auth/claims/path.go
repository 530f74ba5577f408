package claims

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Path leads to a claim: each step is the name of a member of the object that the steps before lead to.
type Path []string

// Literal returns the path of a claim of the token itself, whatever characters its name has.
func Literal(name string) Path { return Path{name} }

// ParsePath reads a path whose steps are separated by dots. A backslash before a dot makes it a part of a name, as in
// kubernetes\.io.namespace.
func ParsePath(text string) (Path, error) {
	var path Path
	var step strings.Builder
	escaped := false
	for _, r := range text {
		switch {
		case escaped && r != '.' && r != '\\':
			return nil, errors.New(`has a backslash that is not before a dot or another backslash`)
		case escaped:
			step.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '.':
			path = append(path, step.String())
			step.Reset()
		default:
			step.WriteRune(r)
		}
	}
	path = append(path, step.String())
	if escaped {
		return nil, errors.New("ends with a backslash")
	}
	if slices.Contains(path, "") {
		return nil, errors.New(`has an empty name before or after a dot; write \. for a dot in a name`)
	}
	return path, nil
}

// String returns the path as ParsePath reads it.
func (p Path) String() string {
	escaped := make([]string, len(p))
	for i, step := range p {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(step)
	}
	return strings.Join(escaped, ".")
}

// Lookup returns the value at a path. A list of one element on the way stands for this element; a list of several has no
// members. A value on the way that is no object is an *Error, and present: the issuer wrote something there that cannot be read.
func (c Claims) Lookup(p Path) (value any, present bool, err error) {
	value = map[string]any(c)
	for i, step := range p {
		object, ok := single(value).(map[string]any)
		if !ok {
			return nil, true, Refuse("the token's claim %s is not an object", p[:i])
		}
		if value, present = object[step]; !present {
			return nil, false, nil
		}
	}
	return value, true, nil
}

// single returns the element of a list that has one, and any other value itself.
func single(value any) any {
	if list, ok := value.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return value
}

// TextAt returns the string at a path, which may be in a list of one element. Present is whether there is any value.
func (c Claims) TextAt(p Path) (text string, present bool, err error) {
	value, present, err := c.Lookup(p)
	if err != nil || !present {
		return "", present, err
	}
	text, ok := single(value).(string)
	if !ok {
		return "", true, Refuse("the token's claim %s is not a string", p)
	}
	return text, true, nil
}

// ScalarsAt returns the strings, numbers and booleans at a path, as JSON has them: one, or those of a list. A list that has
// anything else has none, and so has a path that cannot be followed.
func (c Claims) ScalarsAt(p Path) []string {
	value, _, _ := c.Lookup(p)
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var scalars []string
	for _, value := range list {
		switch value := value.(type) {
		case string:
			scalars = append(scalars, value)
		case json.Number:
			scalars = append(scalars, value.String())
		case bool:
			scalars = append(scalars, map[bool]string{true: "true", false: "false"}[value])
		default:
			return nil
		}
	}
	return scalars
}

// WordsAt returns the words at a path: those of a space-separated string, as OAuth's scope, or the elements of a list of
// strings. Present is whether there is any value.
func (c Claims) WordsAt(p Path) (words []string, present bool, err error) {
	value, present, err := c.Lookup(p)
	if err != nil || !present {
		return nil, present, err
	}
	if text, ok := value.(string); ok {
		// OAuth separates scopes by spaces alone; strings.Fields would
		// also take tabs and Unicode spaces.
		return strings.Split(text, " "), true, nil
	}
	words, ok := texts(value)
	if !ok {
		return nil, true, Refuse("the token's claim %s is not a string or an array of strings", p)
	}
	return words, true, nil
}

func texts(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	words := make([]string, 0, len(list))
	for _, item := range list {
		word, ok := item.(string)
		if !ok {
			return nil, false
		}
		words = append(words, word)
	}
	return words, true
}
