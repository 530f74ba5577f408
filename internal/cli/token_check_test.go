package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/claims"
)

func TestTokenCheckExplainsEachRuleAndNeverPrintsTheToken(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("secret", testSecret)
	trust := write("trust.yaml", `- issuer: ci
  hmac_secret_file: secret
  audiences: [us]
  organization: ${org_id}
  scopes: deployments:write
- issuer: other
  hmac_secret_file: secret
  audiences: [us]
  organization: acme
`)
	mint := func(issuer, audience string) string {
		token, err := auth.Mint([]byte(testSecret), auth.MintRequest{Organization: "acme", Issuer: issuer, Audience: audience, Subject: "job", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	t.Setenv("TRUST_FILE", trust)
	for name, c := range map[string]struct {
		token string
		code  int
		want  string
	}{
		"accepted": {mint("ci", "us"), 0, `rule 1 (line 1) accepts the token
  ok  issuer: the token has iss "ci", the rule "ci"
  ok  algorithm: the token has HS256, the rule HS256
  ok  aud: the token has "us", the rule "us"
  ok  signature: a key verifies it
  ok  claims: an organization, a time and scopes that the server accepts
accepted: organization "acme", scopes deployments:write, subject "job"
`},
		"another audience": {mint("ci", "them"), 1, `rule 1 (line 1) does not match
  ok  issuer: the token has iss "ci", the rule "ci"
  ok  algorithm: the token has HS256, the rule HS256
  NO  aud: the token has "them", the rule "us"
  ok  signature: a key verifies it
  ok  claims: an organization, a time and scopes that the server accepts
rule 2 (line 6) does not match
  NO  issuer: the token has iss "ci", the rule "other"
not accepted: no rule for the issuer "ci" accepts the token: claim aud "them" does not match
`},
		"malformed": {"eyJhbGciOiJIUzI1NiJ9.x.y", 1, ""},
	} {
		for _, file := range []string{write("token", "\ufeff"+c.token+"\r\nmore\n"), "-"} {
			var out, stderr bytes.Buffer
			code := Run(context.Background(), []string{"token", "check", file}, Streams{In: strings.NewReader(c.token), Out: &out, Err: &stderr})
			if code != c.code || out.String() != c.want {
				t.Errorf("%s: exit code %d, %s%s", name, code, &out, &stderr)
			}
			if strings.Contains(out.String()+stderr.String(), strings.Split(c.token, ".")[1]) && name != "malformed" {
				t.Errorf("%s: the output has a part of the token", name)
			}
		}
	}
	for args, want := range map[string]string{
		"token check":             "missing argument: <file>",
		"token check /none":       "no such file",
		"token check --trust / x": "--trust: read /: is a directory",
	} {
		if _, stderr, code := run(t, strings.Fields(args)...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
	// A token that is an argument by mistake.
	for _, token := range []string{mint("ci", "us"), mint("ci", strings.Repeat("long", 2000)), "eyJhbGciOiJkaXIi.x.y.z.w"} {
		for args, want := range map[string]string{
			"token check ":           "<file>: got a token; give a file whose first line is the token, or - for standard input",
			"token check Bearer ":    "unexpected argument (a token)",
			"list ":                  "unexpected argument (a token)",
			"token check - --trust ": "--trust: open (a token): ",
		} {
			_, stderr, code := run(t, strings.Split(args+token, " ")...)
			if code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "eyJ") || strings.Contains(stderr, token[len(token)/2:]) {
				t.Errorf("%s: exit code %d, %s", args, code, stderr)
			}
		}
	}
	t.Setenv("TRUST_FILE", "")
	if _, stderr, code := run(t, "token", "check", "-"); code != 2 || !strings.Contains(stderr, "there is no key: give the settings of the server") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestSettingsOfTokensThatContradictEachOther(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"--scope-claim a..b": `--scope-claim: "a..b" has an empty name before or after a dot`,
		"--fixed-organization acme --organizations globex":       `--fixed-organization: "acme" is not one of --organizations`,
		"--memory --fixed-organization acme":                     `--fixed-organization: "acme" is not --organization, "test", whose records --memory has`,
		"--trust none.yaml":                                      `--trust: open none.yaml: no such file`,
		"--revoked-jti-file none":                                `--revoked-jti-file: open none: no such file`,
		"--fixed-organization=" + strings.Repeat("a", 300) + " ": `--fixed-organization: "aaaa`,
	} {
		_, stderr, code := run(t, append([]string{"serve"}, strings.Fields(args)...)...)
		if code != 2 || !strings.Contains(stderr, "\n  "+want) {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
}

// The token that --memory prints has its scopes where the settings look for them.
func TestTheDevelopmentTokenFollowsTheScopeClaim(t *testing.T) {
	c := serveCommand{}
	c.Organization, c.OrganizationClaim, c.ScopeClaim = "test", "org_id", "realm_access.roles"
	options, violations := verifierOptions(&c.Accepted)
	if len(violations) > 0 || len(options.ScopeClaim) != 2 {
		t.Fatal(violations)
	}
	options.Logger = newLogger(&c.Serve, &bytes.Buffer{})
	token, _, err := c.developmentToken(&options)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := verifier.Verify(t.Context(), token); err != nil || !p.Allows(auth.WriteDeployments) {
		t.Errorf("got %+v, %v", p, err)
	}
	options.ScopeClaim = claims.Literal("scope")
	if verifier, err = auth.New(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if p, err := verifier.Verify(t.Context(), token); err != nil || p.Allows(auth.ReadDeployments) {
		t.Errorf("the claim scope has scopes too: %+v, %v", p, err)
	}
}

func TestACommandOfTwoWordsIsCompletedAndDescribed(t *testing.T) {
	for _, args := range [][]string{{"help", "token", "check"}, {"token", "check", "--help"}} {
		if stdout, stderr, code := run(t, args...); code != 0 || !strings.HasPrefix(stdout, "Usage: deployrecords token check <file>") {
			t.Errorf("%q: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
	for words, want := range map[string]string{
		"token ch":             "check\tExplain why a server accepts a token or not\n",
		"token check --trus":   "--trust\t",
		"token check --trust ": offerFiles,
	} {
		stdout, _, _ := run(t, append([]string{"__complete"}, strings.Split(words, " ")...)...)
		if !strings.HasPrefix(stdout, want) {
			t.Errorf("%q: got %q", words, stdout)
		}
	}
}
