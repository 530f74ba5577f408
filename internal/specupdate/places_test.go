package specupdate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestEveryPlaceThatDiffersIsFound(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          []string
	}{
		{"{a: 1, b: [x, y]}", "b: [x, y]\na: 1", nil},
		{"{a: 1}", "{a: '1'}", []string{`line 1: a "1" -> "1"`}}, // a text is another value
		{"{a: 1}", "{a: {b: 1}}", []string{`line 1: a "1" ->`}},
		{"{a: 1}", "{b: 1}", []string{`old line 1: - a "1"`, `line 1: + b "1"`}},
		{"{e: [x, y, z]}", "{e: [x, new, y]}", []string{`old line 1: - e z "z"`, `line 1: + e new "new"`}},
		{"{e: [x, y]}", "{e: [y, x]}", []string{"line 1: e (order) ->"}},
		{"{e: [x]}", "{e: [x, x]}", []string{`line 1: + e x#1 "x"`}},
		{"{p: [{in: query, name: a, r: 1}, {in: header, name: a}]}", "p:\n  - {in: header, name: a, r: 2}\n  - {in: query, name: a, r: 3}", []string{
			`line 3: p query:a r "1" -> "3"`, `line 2: + p header:a r "2"`, "line 2: p (order) ->",
		}},
		{"{s: [{bearer: []}]}", "{s: [{bearer: []}, {}]}", []string{"line 1: + s #1"}},
	} {
		var before, after yaml.Node
		for text, node := range map[string]*yaml.Node{c.before: &before, c.after: &after} {
			if err := yaml.Unmarshal([]byte(text), node); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, p := range differences(nil, before.Content[0], after.Content[0]) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s and %s:\ngot  %q\nwant %q", c.before, c.after, got, c.want)
		}
	}
}

// A property, a path or a schema may be called as wording is.
func TestWordingIsWhatPeopleReadOnly(t *testing.T) {
	for path, want := range map[string]bool{
		"info title":                  true,
		"info version":                true,
		"info contact email":          true,
		"paths /v1/a get description": true,
		"paths /v1/a get parameters query:a description":  true,
		"components schemas A properties b example c":     true,
		"components schemas A properties description":     false,
		"components schemas A properties title type":      false,
		"components schemas A properties title title":     true,
		"components schemas example type":                 false,
		"paths /v1/a get parameters query:a schema type":  false,
		"components schemas A enum title":                 false,
		"components schemas A properties version default": false,
		"servers #0 url":         false,
		"paths /v1/a get tags B": true,
	} {
		if got := (place{path: strings.Fields(path)}).wording(); got != want {
			t.Errorf("%s: got %t", path, got)
		}
	}
}

func TestALongTextIsCut(t *testing.T) {
	got := place{path: []string{"a"}, line: 3, new: &yaml.Node{Kind: yaml.ScalarNode, Value: strings.Repeat("ä ", 100)}}.String()
	if want := fmt.Sprintf(`line 3: + a "%s..."`, strings.Repeat("ä ", 30)); got != want {
		t.Errorf("got %s", got)
	}
}
