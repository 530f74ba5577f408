package cli

import (
	"os"
	"strings"
	"testing"
)

func TestServeReportsEveryViolationOfTheLoginProvider(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	t.Chdir(t.TempDir())
	const empty = "empty"
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string][]string{
		"--oidc-client-id x --oidc-only --oidc-scopes a --oidc-name x --oidc-organization x --oidc-redirect-url https://x/login/callback --oidc-client-secret-file x": {
			"--oidc-client-id: needs --oidc-issuer", "--oidc-only: needs --oidc-issuer", "--oidc-scopes: needs --oidc-issuer", "--oidc-name: needs --oidc-issuer",
			"--oidc-organization: needs --oidc-issuer", "--oidc-redirect-url: needs --oidc-issuer", "--oidc-client-secret-file: needs --oidc-issuer",
		},
		"--oidc-issuer http://sso.example --oidc-redirect-url https://x/callback --oidc-organization b --organizations a --oidc-client-secret-file " + empty: {
			"--oidc-client-id: is missing", `--oidc-issuer: "http://sso.example" must be https`, `--oidc-redirect-url: "https://x/callback" is not https://HOST/login/callback`,
			`--oidc-organization: "b" is not one of --organizations`, "--oidc-client-secret-file: the first line of " + empty + " is empty",
		},
		"--oidc-issuer https://u:hunter2@sso.example --oidc-client-id x":                                                  {"--oidc-issuer: \"https://xxxxx@sso.example\" has a user"},
		"--oidc-issuer https://sso.example?x --oidc-client-id x":                                                          {"has a user, a query or a fragment"},
		"--oidc-issuer https://sso.example --oidc-client-id x --oidc-client-secret-file /nowhere":                         {"--oidc-client-secret-file: open /nowhere"},
		"--oidc-issuer https://sso.example --oidc-client-id x --oidc-redirect-url http://x/login/callback":                {"--oidc-redirect-url"},
		"--oidc-issuer https://sso.example --oidc-client-id x --oidc-redirect-url http://127.0.0.1:8080/login/callback?a": {"--oidc-redirect-url"},
	} {
		_, stderr, code := run(t, append([]string{"serve", "--memory"}, strings.Fields(args)...)...)
		for _, violation := range want {
			if !strings.Contains(stderr, "\n  "+violation) && !strings.Contains(stderr, violation) {
				t.Errorf("%s: lacks %q", args, violation)
			}
		}
		if code != 2 || strings.Contains(stderr, "hunter2") || strings.Count(stderr, "\n  --") != len(want) {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestServeStartsWhileTheLoginProviderIsDown(t *testing.T) {
	t.Setenv("OIDC_CLIENT_SECRET", "hunter2")
	args := "serve --memory --listen 203.0.113.1:1 --oidc-issuer http://127.0.0.1:1 --oidc-client-id x --oidc-organization acme"
	_, stderr, code := run(t, strings.Fields(args)...)
	for _, want := range []string{"settings.oidc_issuer=http://127.0.0.1:1", "settings.oidc_client_secret=true", "settings.oidc_organization=acme", "listen on 203.0.113.1:1"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("lacks %s: %s", want, stderr)
		}
	}
	if code != 1 || strings.Contains(stderr, "hunter2") { // it starts, and ends when it tries to listen
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
