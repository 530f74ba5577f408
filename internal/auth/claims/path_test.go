package claims

import (
	"slices"
	"strings"
	"testing"
)

func TestAPathIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string][]string{
		"org_id":                          {"org_id"},
		"realm_access.roles":              {"realm_access", "roles"},
		`kubernetes\.io.serviceaccount.x`: {"kubernetes.io", "serviceaccount", "x"},
		`https://acme\.example/roles`:     {"https://acme.example/roles"},
		`back\\slash`:                     {`back\slash`},
	} {
		path, err := ParsePath(text)
		if err != nil || !slices.Equal(path, want) || path.String() != text {
			t.Errorf("%s: got %q, %s, %v", text, path, path, err)
		}
	}
	for _, text := range []string{"", ".", "a.", ".a", "a..b", `a\`, `a\b`} {
		if path, err := ParsePath(text); err == nil {
			t.Errorf("%q: got %q", text, path)
		}
	}
}

func TestOnlyScalarsMatch(t *testing.T) {
	c, err := Read([]byte(`{"s":"a","n":1.50,"t":true,"l":["a",2,false],"mixed":["a",{"b":1}],"null":null,"o":{"a":1},"nested":[["a"]],"empty":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"s": "a", "n": "1.50", "t": "true", "l": "a 2 false", "mixed": "", "null": "", "o": "", "nested": "", "empty": "", "missing": "",
	} {
		if got := strings.Join(c.ScalarsAt(Path{name}), " "); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A reader that takes the first of two members and one that takes the last would disagree about what the issuer wrote.
func TestANameGivenTwiceIsRefusedInEveryObject(t *testing.T) {
	for _, text := range []string{
		`{"a":1,"a":1}`, `{"a":{"b":1,"b":2}}`, `{"a":[{"b":1,"b":2}]}`, `{"a":{"b":1,"\u0062":2}}`,
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("%s: got %v", text, err)
		}
	}
	for _, text := range []string{`[]`, `1`, `null`, `{"a":1} x`, `{"a"`, `{"a":[1}`, ``} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), "not a JSON object") {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := Read([]byte(`{"a":{"b":1},"b":[{"a":1},{"a":1}]}`)); err != nil {
		t.Error(err)
	}
}
