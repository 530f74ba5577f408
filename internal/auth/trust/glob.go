package trust

import (
	"errors"
	"regexp"
	"strings"
)

// Glob is a pattern for a whole value. * stands for any characters but / and :, which separate the parts of repositories,
// subjects and URLs; ** stands for any characters. A backslash takes the special meaning of * and of a backslash.
type Glob struct {
	text    string
	pattern *regexp.Regexp // nil: the value is literal
	literal string
}

// ParseGlob reads a pattern.
func ParseGlob(text string) (Glob, error) {
	var expression, literal strings.Builder
	wild := false
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "**"):
			rest = strings.TrimLeft(rest, "*")
			expression.WriteString(`.*`)
			wild = true
			continue
		case rest[0] == '*':
			expression.WriteString(`[^/:]*`)
			wild = true
			rest = rest[1:]
			continue
		case rest[0] == '\\':
			if len(rest) == 1 || rest[1] != '*' && rest[1] != '\\' {
				return Glob{}, errors.New(`has a backslash that is not before * or another backslash`)
			}
			rest = rest[1:]
		}
		literal.WriteByte(rest[0])
		expression.WriteString(regexp.QuoteMeta(rest[:1]))
		rest = rest[1:]
	}
	g := Glob{text: text, literal: literal.String()}
	if !wild {
		return g, nil
	}
	pattern, err := regexp.Compile(`(?s)\A(?:` + expression.String() + `)\z`)
	if err != nil {
		return Glob{}, errors.New("is not UTF-8")
	}
	g.pattern = pattern
	return g, nil
}

// Matches reports whether the pattern matches the whole value.
func (g Glob) Matches(value string) bool {
	if g.pattern == nil {
		return value == g.literal
	}
	return g.pattern.MatchString(value)
}

// String returns the text of the pattern.
func (g Glob) String() string { return g.text }

// StartsLiteral reports whether the pattern, after the prefix, has no * in the first part of a value, up to a slash or a colon:
// acme/*, acme:** and acme, but not ac*/web.
func (g Glob) StartsLiteral(prefix string) bool {
	rest, ok := strings.CutPrefix(g.text, prefix)
	if end := strings.IndexAny(rest, "/:"); end >= 0 {
		rest = rest[:end]
	}
	return ok && rest != "" && !strings.Contains(rest, "*")
}
