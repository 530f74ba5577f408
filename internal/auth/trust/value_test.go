package trust

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
)

func TestAValueIsMadeOfTextAndClaims(t *testing.T) {
	token, err := claims.Read([]byte(`{"org":"acme","team":"shop","dash":"a-b","empty":"","number":1,"list":["one"],"two":["a","b"],
		"orgs":[{"id":"x"}],"https://acme.example/org":"auth0","deep":{"er":{"a.b":"dots"}},"null":null,"none":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"acme":                         "acme",
		"${org}":                       "acme",
		"gh-${org}":                    "gh-acme",
		"${org}/${team}":               "acme/shop",
		"${list}":                      "one",
		"${orgs.id}":                   "x",
		`${https://acme\.example/org}`: "auth0",
		`${deep.er.a\.b}`:              "dots",
		"gh-${dash}":                   "gh-a-b",
		"a$b}":                         "a$b}",
		"${empty}":                     "",
		"${missing}":                   "absent",
		"${deep.er.a}":                 "absent",
		"${deep.x.y}":                  "absent",
		"${org.x}":                     "error",
		"${two.x}":                     "error",
		"${none.x}":                    "error",
		"${null.x}":                    "error",
		"${dash}-${team}":              "error",
		"${org}-${dash}":               "error",
		"gh-${empty}":                  "error",
		"${number}":                    "error",
		"${two}":                       "error",
		"${null}":                      "error",
		"${deep}":                      "error",
	} {
		v, err := ParseValue(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, present, err := v.Of(token)
		switch {
		case err != nil:
			got = "error"
		case !present:
			got = "absent"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"${org":                "without a }",
		"${}":                  "empty name",
		"${a..b}":              "empty name",
		`${a\b}`:               "backslash",
		"${org}${team}":        "without a text between",
		"${org?}":              "optional",
		"x-${org}-${a}${team}": "without a text between",
	} {
		if _, err := ParseValue(text, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if _, err := ParseValue("x${org?}", true); err == nil {
		t.Error("a part of a project is optional")
	}
}

// Two tokens with different claims never get the same organization.
func TestDifferentClaimsHaveDifferentValues(t *testing.T) {
	v, err := ParseValue("${a}-_${b}-${c}", false)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"x", "-", "_", "x-", "_x", "-_", "x-_y", "y", "xy"}
	seen := map[string][3]string{}
	accepted := 0
	for _, a := range words {
		for _, b := range words {
			for _, c := range words {
				text, _, err := v.Of(claims.Claims{"a": a, "b": b, "c": c})
				if err != nil {
					continue
				}
				accepted++
				if other, twice := seen[text]; twice {
					t.Errorf("%q is of %q and of %q", text, other, [3]string{a, b, c})
				}
				seen[text] = [3]string{a, b, c}
			}
		}
	}
	if accepted != 27 {
		t.Errorf("%d are accepted", accepted)
	}
}
