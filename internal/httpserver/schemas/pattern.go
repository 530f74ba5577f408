package schemas

import (
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// codePoint matches an escape of ECMA-262, the dialect of OpenAPI's patterns, that Go writes in another way. The first
// alternative takes an escaped backslash, which begins no escape.
var codePoint = regexp.MustCompile(`\\\\|\\u\{([0-9A-Fa-f]+)\}|\\u([0-9A-Fa-f]{4})`)

// CompilePattern compiles a pattern of a document. It fails for what Go's regular expressions do not have, such as
// lookaheads.
func CompilePattern(pattern string) (openapi3.RegexMatcher, error) {
	return regexp.Compile(codePoint.ReplaceAllStringFunc(pattern, func(escape string) string {
		parts := codePoint.FindStringSubmatch(escape)
		if code := parts[1] + parts[2]; code != "" {
			return `\x{` + code + `}`
		}
		return escape
	}))
}
