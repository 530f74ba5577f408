package trust

import (
	"errors"
	"fmt"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
)

// Value is a text that may hold claims of the token: acme, ${org_id} or gh-${repository_owner}.
type Value struct {
	parts []part
	// Optional is whether the claim of ${claim?} may be absent.
	Optional bool
	// separators are the characters between claims. A claim that has one of them is refused: with ${a}-${b}, the claims x-y and z
	// would be read as x and y-z are.
	separators string
}

// part is a text, or a claim.
type part struct {
	text  string
	claim claims.Path
	name  string // of the claim, for errors
	plain bool   // the claim is not in a list of one element
}

// Claim returns the value of a claim, whatever characters its name has.
func Claim(name string) Value {
	return Value{parts: []part{{claim: claims.Literal(name), name: name, plain: true}}}
}

// OptionalClaim returns the value of a claim that may be absent.
func OptionalClaim(name string) Value {
	value := Claim(name)
	value.Optional = true
	return value
}

// Fixed returns a text without claims.
func Fixed(text string) Value { return Value{parts: []part{{text: text}}} }

// ParseValue reads a text with claims as ${path}. Only if mayBeOptional, the text can be ${path?}.
func ParseValue(text string, mayBeOptional bool) (v Value, err error) {
	rest := text
	for rest != "" {
		literal, after, found := strings.Cut(rest, "${")
		if literal != "" {
			v.parts = append(v.parts, part{text: literal})
		}
		if !found {
			break
		}
		path, next, closed := strings.Cut(after, "}")
		if !closed {
			return Value{}, errors.New("has a ${ without a }")
		}
		if name, optional := strings.CutSuffix(path, "?"); optional {
			path, v.Optional = name, true
		}
		claim, err := claims.ParsePath(path)
		if err != nil {
			return Value{}, fmt.Errorf("names the claim %s, which %w", claims.Quote(path), err)
		}
		v.parts, rest = append(v.parts, part{claim: claim, name: claim.String()}), next
	}
	if v.Optional && (!mayBeOptional || len(v.parts) > 1) {
		return Value{}, errors.New("cannot have an optional claim: only a project that is one claim can, such as ${project_name?}")
	}
	return v, v.findSeparators()
}

// findSeparators collects the characters between claims.
func (v *Value) findSeparators() error {
	last := -1
	for i, p := range v.parts {
		if p.claim == nil {
			continue
		}
		if last == i-1 && last >= 0 {
			return errors.New("has two claims without a text between them: the values ab and c would be the same as a and bc")
		}
		if last >= 0 {
			v.separators += v.parts[i-1].text
		}
		last = i
	}
	return nil
}

// IsZero reports whether there is no value.
func (v Value) IsZero() bool { return len(v.parts) == 0 }

// Text returns the text of a value without claims.
func (v Value) Text() (text string, fixed bool) {
	if len(v.parts) == 1 && v.parts[0].claim == nil {
		return v.parts[0].text, true
	}
	return "", false
}

// Claims returns the names of the claims.
func (v Value) Claims() string {
	var names []string
	for _, p := range v.parts {
		if p.claim != nil {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// Of returns the value for a token. Present is false if one of the claims is absent; of several, an empty one is an error.
func (v Value) Of(c claims.Claims) (text string, present bool, err error) {
	var value strings.Builder
	for _, p := range v.parts {
		if p.claim == nil {
			value.WriteString(p.text)
			continue
		}
		read := c.TextAt
		if p.plain {
			read = func(path claims.Path) (string, bool, error) { return c.Text(path[0]) }
		}
		claim, present, err := read(p.claim)
		if err != nil || !present {
			return "", present, err
		}
		switch {
		case claim == "" && len(v.parts) > 1:
			return "", true, claims.Refuse("the token's claim %s is empty", p.name)
		case strings.ContainsAny(claim, v.separators):
			return "", true, claims.Refuse("the token's claim %s has one of the characters %q, which separate it from another claim", p.name, v.separators)
		}
		value.WriteString(claim)
	}
	return value.String(), true, nil
}
