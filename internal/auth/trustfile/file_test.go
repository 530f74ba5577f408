package trustfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// parse reads a text whose rules name no files but these.
func parse(text string) (File, error) {
	return Parse([]byte(text), "/dir", func(name string) ([]byte, error) {
		switch name {
		case "/dir/secret":
			return []byte(strings.Repeat("s", 40)), nil
		case "/dir/empty":
			return nil, nil
		case "/abs/set.json":
			return []byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`), nil
		case "/dir/text":
			return []byte("no keys"), nil
		}
		return nil, errors.New("open " + name + ": no such file")
	})
}

func TestAFaultyFileReportsEverythingWithItsLine(t *testing.T) {
	_, err := parse(`- issuer: https://issuer.example
  jwks_uri: https://issuer.example/jwks
  audiences: []
  algorithms: [RS256, HS256, none]
  organization: {org_id}
- issuer: http://issuer.example
  oidc_discovery: true
  jwks_file: none.json
  audiences: a
  audiences: b
  match:
    a..b: x
    c: [x, {}]
    d: 'x\d'
  organization: ${a}${b}
  project: x${y?}
  scopes: [deployments:read, admin]
- issuer: https://token.actions.githubusercontent.com
  oidc_discovery: true
  match: {repository: "*/web", ref: refs/heads/main}
  organization: acme
- issuer: x
  public_keys_file: missing.pem
  hmac_secret_file: empty
  jwks_file: /abs/set.json
  ca_file: text
  organization: ""
  scopes: {map: {a: b}, claims: x}
- jwks_url: http://issuer.example/jwks
  organization: acme
- just text
- issuer: x
  oidc_discovery: yes
  public_keys_file: text
  organization: null
`)
	if err == nil {
		t.Fatal("the file is valid")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		`line 1: rule 1 has no keys`,
		`line 2: rule 1: "jwks_uri" is not a name here; the names are algorithms, allow_missing_exp,`,
		`line 3: rule 1: audiences is an empty list`,
		`line 4: rule 1: algorithms: "HS256" is not one of RS256`,
		`line 4: rule 1: algorithms: "none" is not one of RS256`,
		`line 5: rule 1: organization is a mapping, not a text; a claim is ${name}`,
		`line 6: rule 2: oidc_discovery: the issuer must be https`,
		`line 8: rule 2: jwks_file: open /dir/none.json: no such file`,
		`line 10: rule 2 has "audiences" twice`,
		`line 12: rule 2: match: the claim "a..b" has an empty name`,
		`line 13: rule 2: match.c is a mapping, not a text`,
		`line 14: rule 2: match.d: "x\\d" has a backslash`,
		`line 15: rule 2: organization: "${a}${b}" has two claims without a text between them`,
		`line 16: rule 2: project: "x${y?}" cannot have an optional claim`,
		`line 17: rule 2: scopes: "admin" is neither deployments:read nor deployments:write`,
		`line 18: rule 3: the issuer https://token.actions.githubusercontent.com signs tokens for everybody`,
		`line 23: rule 4: public_keys_file: open /dir/missing.pem: no such file`,
		`line 24: rule 4: hmac_secret_file: /dir/empty is empty`,
		`line 25: rule 4: jwks_file: has no key for the algorithms RS256, ES256, EdDSA; number of other keys: 1`,
		`line 26: rule 4: ca_file has no PEM certificate`,
		`line 26: rule 4: ca_file and bearer_token_file go with jwks_url or oidc_discovery`,
		`line 27: rule 4: organization is empty`,
		`line 28: rule 4: scopes.map.a: "b" is neither`,
		`line 28: rule 4: scopes: "claims" is not a name here; the names are claim, map`,
		`line 29: rule 5: jwks_url must be https`,
		`line 29: rule 5 has no issuer: it is for tokens without iss, and needs match`,
		`line 31: rule 6 is "just text", not a mapping`,
		`line 33: rule 7: oidc_discovery is "yes", neither true nor false`,
		`line 34: rule 7: public_keys_file: the public keys hold no PEM block`,
		`line 35: rule 7: organization is null, not a text`,
	}
	for i, text := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], text) {
			t.Fatalf("got\n%s\nwant line %d to begin with\n%s", err, i+1, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d violations, want %d:\n%s", len(got), len(want), err)
	}
}

func TestAFileThatIsNoListOfRulesIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "line 1: the file is empty",
		"# nothing\n":           "line 1: the file is empty",
		"[]":                    "line 1: is an empty list; a trust file is a list of rules",
		"rules:\n- issuer: x\n": "line 1: is a mapping; a trust file is a list of rules",
		"- a: [\n":              "is not YAML: did not find expected node content",
		"- issuer: \x01":        "line 1: is not YAML: control characters are not allowed",
		"- &a [*a]\n":           "line 1: rule 1 is a list, not a mapping",
		"- issuer: x\n---\n- y": "is a second YAML document",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestRulesThatAcceptMoreThanOthersHaveWarnings(t *testing.T) {
	for text, want := range map[string]int{
		"audiences: a":                          0,
		"audiences: a, allow_missing_exp: true": 1,
		"allow_missing_exp: true":               2,
		"match: {client_id: a}":                 0,
		"match: {role: a}":                      1,
	} {
		file, err := parse("- {issuer: x, hmac_secret_file: secret, organization: acme, " + text + "}")
		if err != nil || len(file.Warnings) != want {
			t.Errorf("%s: got %q, %v", text, file.Warnings, err)
		}
	}
}

// A server reads the file while it runs: no text may end it, whatever an alias in it stands for.
func TestAliasesAreViolations(t *testing.T) {
	bomb := "- &a [x, x, x, x, x, x, x, x, x, x]\n"
	for name := 'b'; name < 'k'; name++ {
		bomb += fmt.Sprintf("- &%c [%s]\n", name, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", name-1), 10), ", "))
	}
	const aliases = "; a trust file has no aliases: repeat the value"
	for text, want := range map[string]string{
		"- <<: 3\n- &x {issuer: a, match: *x}":                         "line 2: rule 2: match is the alias *x, not a mapping" + aliases,
		"- ? [a]\n  : b\n- &x {issuer: a, match: *x}":                  "line 3: rule 2: match is the alias *x, not a mapping" + aliases,
		"- &x\n  issuer: a\n  <<: *x":                                  "line 3: rule 1 has a name that is not a text",
		"- &x {issuer: a}\n- *x":                                       "line 2: rule 2 is the alias *x, not a mapping" + aliases,
		"- &x {issuer: a, scopes: {map: *x}}":                          "line 1: rule 1: scopes.map is the alias *x, not a mapping" + aliases,
		"- {issuer: a, audiences: &x [*x, b]}":                         "line 1: rule 1: audiences is the alias *x, not a text" + aliases,
		"- {issuer: a, audiences: &x [b]}\n- {audiences: *x}":          "line 2: rule 2: audiences is the alias *x, not a text" + aliases,
		"- {oidc_discovery: &x true}\n- {allow_missing_exp: *x}":       "line 2: rule 2: allow_missing_exp is the alias *x, neither true nor false" + aliases,
		"- {issuer: &x a}\n- {*x : a}":                                 "line 2: rule 2 has a name that is not a text",
		"- {issuer: &x a, match: {b: [*x, *x]}, unknown: &y [*y, *x]}": "line 1: rule 1: match.b is the alias *x, not a text" + aliases,
		bomb: "line 10: rule 10 is a list, not a mapping",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error()+"\n", want+"\n") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestCommentsAndStyleDoNotCount(t *testing.T) {
	rules := "- {issuer: x, hmac_secret_file: secret, organization: acme, audiences: [one, two]} # a comment\n" +
		"- issuer: 'x'\n  hmac_secret_file: secret\n  organization: acme\n  audiences: [one,\n    \"two\"]\n"
	for _, other := range []string{"[one]", "one two", "[one, two, three]", "[one, 2]", "[one, '2']", "[one, 'two \"']"} {
		rules += "- {issuer: x, hmac_secret_file: secret, organization: acme, audiences: " + other + "}\n"
	}
	file, err := parse(rules)
	if err != nil || file.Rules[0].Text != file.Rules[1].Text {
		t.Fatalf("got %+v, %v", file, err)
	}
	texts := map[string]bool{}
	for _, rule := range file.Rules[1:] {
		texts[rule.Text] = true
	}
	if len(texts) != len(file.Rules)-1 {
		t.Errorf("got %d texts of %d rules", len(texts), len(file.Rules)-1)
	}
}

func TestARuleForASharedIssuerNamesItsOwner(t *testing.T) {
	const github, gitlab, google, buildkite, terraform = "https://token.actions.githubusercontent.com", "https://gitlab.com",
		"https://accounts.google.com", "https://agent.buildkite.com", "https://app.terraform.io"
	for _, c := range []struct {
		issuer, match string
		valid         bool
	}{
		{github, "repository: acme/*", true},
		{github, "repository_owner: acme", true},
		{github, `sub: "repo:acme/*:**"`, true},
		{github, `sub: "repo:ac*/web:**"`, false},
		{github, `sub: "**"`, false},
		{github, "repository: [acme/*, '*/web']", false},
		{github, "job_workflow_ref: acme/ci/.github/workflows/deploy.yaml@refs/heads/main", false},
		{github, "job_workflow_ref: acme/ci/**, repository_owner: acme", true},
		{gitlab, "namespace_path: acme/**", true},
		{gitlab, `sub: "project_path:acme/**"`, true},
		{gitlab, "user_login: ann", false},
		{gitlab, `user_id: "7"`, false},
		{google, "email: deployer@acme.iam.gserviceaccount.com", true},
		{google, "hd: acme.example", true},
		{google, `azp: "104"`, false},
		{"accounts.google.com", "email_verified: true", false},
		{"accounts.google.com", `sub: "104"`, true},
		{buildkite, `sub: "organization:acme:pipeline:web:**"`, true},
		{buildkite, `sub: "organization:acme*:pipeline:web:**"`, false},
		{buildkite, `sub: "organization:*:pipeline:acme/web:**"`, false},
		{buildkite, `sub: "organization::**"`, false},
		{terraform, `sub: "organization:acme:project:*:workspace:prod:run_phase:apply"`, true},
		{terraform, `sub: "organization:**"`, false},
		{"https://ci.acme.example", `azp: "104"`, true},
	} {
		_, err := parse("- {issuer: '" + c.issuer + "', hmac_secret_file: secret, organization: acme, audiences: us, match: {" + c.match + "}}")
		if (err == nil) != c.valid || err != nil && !strings.Contains(err.Error(), "signs tokens for everybody") {
			t.Errorf("%s, %s: got %v", c.issuer, c.match, err)
		}
	}
}
