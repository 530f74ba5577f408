package schemas

import "testing"

func TestPatternsOfDocumentsMayHaveECMAScriptEscapes(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		matches        bool
	}{
		{`^[\w\/\-\u00e9]+$`, "a/b-é", true},
		{`^[\u00E9]$`, "é", true},
		{`^\u{1f680}$`, "\U0001F680", true},
		{`^\\u00e9$`, `\u00e9`, true},
		{`^\\u00e9$`, "é", false},
		{`^[a-z]+$`, "A", false},
	} {
		compiled, err := CompilePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if compiled.MatchString(c.value) != c.matches {
			t.Errorf("%s matches %q: %t", c.pattern, c.value, !c.matches)
		}
	}
	for _, pattern := range []string{`^(?!-)a$`, `(?<=a)b`, `(a)\1`, `[`} {
		if _, err := CompilePattern(pattern); err == nil {
			t.Errorf("%s was compiled", pattern)
		}
	}
}
