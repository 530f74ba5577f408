package trust

import "testing"

func TestAPatternMatchesTheWholeValueAndAStarStaysInItsPart(t *testing.T) {
	for pattern, values := range map[string]map[string]bool{
		"acme":            {"acme": true, "ACME": false, "acme2": false, "xacme": false, "acme\n": false, "": false},
		"acme/*":          {"acme/web": true, "acme/": true, "acme/web/api": false, "acme-evil/web": false, "acme": false, "acme/web:x": false, "acme/w\neb": true},
		"acme/**":         {"acme/web": true, "acme/web/api": true, "acme/web:x": true, "acme/a\nb": true, "x/acme/web": false},
		"*":               {"web": true, "": true, "a/b": false, "a:b": false},
		"**":              {"": true, "a/b:c": true},
		"***":             {"a/b:c": true},
		"repo:acme/*:**":  {"repo:acme/web:ref:refs/heads/main": true, "repo:acme/web": false, "repo:acme/web/x:y": false},
		"a.c":             {"a.c": true, "abc": false},
		`a\*c`:            {"a*c": true, "abc": false},
		`\\*`:             {`\x`: true, "x": false},
		"[a-z]+(x|y)$":    {"[a-z]+(x|y)$": true, "ax": false},
		"zürich/*":        {"zürich/東京": true, "zurich/x": false},
		"refs/tags/v*.*.": {"refs/tags/v1.2.": true, "refs/tags/v1.2": false},
	} {
		g, err := ParseGlob(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		for value, want := range values {
			if got := g.Matches(value); got != want {
				t.Errorf("%q matches %q: %t, want %t", pattern, value, got, want)
			}
		}
	}
	for _, invalid := range []string{`a\`, `\d`, "a\xff*"} {
		if _, err := ParseGlob(invalid); err == nil {
			t.Errorf("%q is a pattern", invalid)
		}
	}
}
