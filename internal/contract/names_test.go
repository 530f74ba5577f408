package contract_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
)

// nameSchemas are the schemas of the recording document whose patterns state the rule of a check.
var nameSchemas = map[string]func(string) error{
	"Name":         deployments.CheckRecordedName,
	"ArtifactText": deployments.CheckText,
}

// If this test fails after an update of Go, Unicode has new format characters: add them to the patterns.
func TestI1_PatternsAgreeWithTheServerOnEveryCharacter(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	for name, check := range nameSchemas {
		pattern := regexp.MustCompile(namePattern(t, name))
		for r := rune(0); r <= utf8.MaxRune; r++ {
			if !utf8.ValidRune(r) {
				continue
			}
			c := string(r)
			for _, text := range []string{c, c + "a", "a" + c, "a" + c + "a"} {
				if matches, err := pattern.MatchString(text), check(text); matches != (err == nil) {
					t.Errorf("%s, %q: the pattern matches: %t, the server: %v", name, text, matches, err)
				}
			}
		}
	}
}

// Clients read a pattern by the rules of ECMAScript, with or without its flag u.
func TestPatternsUseOnlyWhatGoAndECMAScriptReadAlike(t *testing.T) {
	for name := range nameSchemas {
		pattern := namePattern(t, name)
		// \s, \w and \p differ between the two; \u and \x{} exist in one of them.
		if rest := regexp.MustCompile(`\\x[0-9a-f]{2}`).ReplaceAllString(pattern, ""); strings.Contains(rest, `\`) {
			t.Errorf("%s has an escape other than \\x and two digits", name)
		}
		// Without u, each of these characters is two, and the range is that of the halves next to the hyphen.
		if beyond := regexp.MustCompile(`[\x{10000}-\x{10ffff}]-|-[\x{10000}-\x{10ffff}]`).FindString(pattern); beyond != "" {
			t.Errorf("%s has the range %+q", name, beyond)
		}
	}
}

func namePattern(t *testing.T, schema string) string {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(contract.RecordingOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	return doc.Components.Schemas[schema].Value.Pattern
}
