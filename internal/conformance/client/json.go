package client

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is a JSON value as sent: nothing is merged, rounded or dropped. Methods that read accept nil.
type Value struct {
	// Kind is n, f, t, ", 0, { or [, as in jsontext.
	Kind jsontext.Kind
	// Content is the content of a string, or the digits of a number.
	Content string
	Members []Member
	Items   []*Value

	id string // of a record of a list
}

// Member is a property of an object.
type Member struct {
	Name  string
	Value *Value
}

// ReadJSON reads a body that must be one JSON value in UTF-8. With an error it may still return the value.
func ReadJSON(body []byte) (*Value, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	reader := valueReader{decoder: decoder}
	v, err := reader.read()
	if errors.Is(err, errTooManyValues) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %s", Quote(string(body)))
	}
	if rest := bytes.TrimSpace(body[decoder.InputOffset():]); len(rest) > 0 {
		return v, fmt.Errorf("%s follows the JSON value", Quote(string(rest)))
	}
	if !utf8.Valid(body) {
		return v, errors.New("the body is not UTF-8")
	}
	return v, nil
}

// maxValues limits the values in a body: a record has about 20 in 600 bytes, so no list within maxBody has more.
const maxValues = maxBody / 16

var errTooManyValues = fmt.Errorf("the body has more than %d JSON values", maxValues)

// valueReader reads values and counts them.
type valueReader struct {
	decoder *jsontext.Decoder
	values  int
}

func (r *valueReader) read() (*Value, error) {
	if r.values++; r.values > maxValues {
		return nil, errTooManyValues
	}
	token, err := r.decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &Value{Kind: token.Kind()}
	switch v.Kind {
	case '"', '0':
		v.Content = token.String()
	case '{', '[':
		for next := r.decoder.PeekKind(); next != '}' && next != ']'; next = r.decoder.PeekKind() {
			name := ""
			if v.Kind == '{' {
				if token, err = r.decoder.ReadToken(); err != nil {
					return nil, err
				}
				name = token.String() // before the decoder reuses its buffer
			}
			inner, err := r.read()
			if err != nil {
				return nil, err
			}
			if v.Kind == '{' {
				v.Members = append(v.Members, Member{name, inner})
			} else {
				v.Items = append(v.Items, inner)
			}
		}
		_, err = r.decoder.ReadToken()
	}
	return v, err
}

// Get returns the property at a path, or nil. Of duplicates, the last counts.
func (v *Value) Get(path ...string) *Value {
	for _, name := range path {
		if v == nil {
			return nil
		}
		var found *Value
		for _, m := range v.Members {
			if m.Name == name {
				found = m.Value
			}
		}
		v = found
	}
	return v
}

// Any returns the value as encoding/json decodes it. Of duplicate properties, the last counts.
func (v *Value) Any() any {
	switch v.Kind {
	case '{':
		object := make(map[string]any, len(v.Members))
		for _, m := range v.Members {
			object[m.Name] = m.Value.Any()
		}
		return object
	case '[':
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = item.Any()
		}
		return items
	case '"':
		return v.Content
	case '0':
		number, _ := strconv.ParseFloat(v.Content, 64)
		return number
	case 't', 'f':
		return v.Kind == 't'
	}
	return nil
}

func (v *Value) items() []*Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// IsText reports whether the value is a string.
func (v *Value) IsText() bool { return v != nil && v.Kind == '"' }

// Text returns the string at a path, or "".
func (v *Value) Text(path ...string) string {
	if found := v.Get(path...); found.IsText() {
		return found.Content
	}
	return ""
}

// Time returns the time at a path, or the zero time.
func (v *Value) Time(path ...string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, v.Text(path...))
	return t
}

// Integer returns the whole number at a path and whether there is one.
func (v *Value) Integer(path ...string) (int64, bool) {
	found := v.Get(path...)
	if found == nil || found.Kind != '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(found.Content, 10, 64)
	return n, err == nil
}

// MemberNames returns the names of an object's properties, sorted.
func (v *Value) MemberNames() []string {
	if v == nil {
		return nil
	}
	names := make([]string, 0, len(v.Members))
	for _, m := range v.Members {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

// Lines writes the value as sorted lines, one for each string, number and other leaf: "artifact.kind is ...". Two values
// have the same lines if they differ in the order of properties only.
func (v *Value) Lines() []string { return v.lines(nil, "") }

func (v *Value) lines(lines []string, path string) []string {
	switch v.Kind {
	case '{':
		if len(v.Members) == 0 {
			return append(lines, path+" has no properties")
		}
		members := slices.Clone(v.Members)
		slices.SortStableFunc(members, func(x, y Member) int { return strings.Compare(x.Name, y.Name) })
		for _, m := range members {
			lines = m.Value.lines(lines, Join(path, m.Name))
		}
	case '[':
		lines = append(lines, fmt.Sprintf("%s has %d items", path, len(v.Items)))
		for i, item := range v.Items {
			lines = item.lines(lines, fmt.Sprintf("%s[%d]", path, i))
		}
	case 'n':
		lines = append(lines, path+" is null")
	case 't':
		lines = append(lines, path+" is true")
	case 'f':
		lines = append(lines, path+" is false")
	case '"':
		lines = append(lines, path+" is "+strconv.Quote(v.Content))
	default:
		lines = append(lines, path+" is "+v.Content)
	}
	return lines
}

// FirstDifference returns the index at which two lists begin to differ.
func FirstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// DifferingLines returns the lines of two values at their first difference.
func DifferingLines(a, b []string) (string, string) {
	i := FirstDifference(a, b)
	line := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return "nothing more"
	}
	return line(a), line(b)
}

var kindNames = map[jsontext.Kind]string{
	'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '{': "an object", '[': "an array",
}

// KindName names the type of a value in a message.
func (v *Value) KindName() string {
	if v.Kind == '0' {
		return "the number " + Cut(v.Content)
	}
	return kindNames[v.Kind]
}

// String formats the value for a message.
func (v *Value) String() string {
	switch {
	case v == nil:
		return "missing"
	case v.Kind == '0':
		return Cut(v.Content)
	case v.Kind == '"':
		return Quote(v.Content)
	default:
		return v.KindName()
	}
}

// Quote quotes the beginning of a text from the server.
func Quote(text string) string { return strconv.Quote(Cut(text)) }

// Cut shortens a long text.
func Cut(text string) string { return truncate(strings.ToValidUTF8(text, "\uFFFD"), 120) }

// cutMark follows a text that was cut.
const cutMark = "…"

func truncate(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + cutMark
	}
	return text
}

// Join appends a property's name to a path.
func Join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
