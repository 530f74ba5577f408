package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
)

func TestImportRejectsOrganizationsThatAreNotOfTheServer(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	file := filepath.Join(t.TempDir(), "none.ndjson")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	importInto := func(organization string, flags ...string) (stderr string, code int) {
		_, stderr, code = run(t, append([]string{"import", "--organization", organization, file}, flags...)...)
		return stderr, code
	}
	allowed := []string{"--organizations", "Acme, Inc.", "--organizations", "beta"}
	for organization, want := range map[string]int{"Acme, Inc.": 0, "beta": 0, "Acme": 2, "acme": 2} {
		if stderr, code := importInto(organization, allowed...); code != want || code == 2 && !strings.Contains(stderr, "--organization: \""+organization+"\" is not one of --organizations") {
			t.Errorf("%s: exit code %d, %s", organization, code, stderr)
		}
	}
	for _, lineBreak := range []string{"\n", "\r\n"} {
		t.Setenv("ORGANIZATIONS", "Acme, Inc."+lineBreak+"beta"+lineBreak)
		for organization, want := range map[string]int{"Acme, Inc.": 0, "beta": 0, "gamma": 2} {
			if stderr, code := importInto(organization); code != want {
				t.Errorf("%s by the environment: exit code %d, %s", organization, code, stderr)
			}
		}
	}
	for _, value := range []string{"", "a\n\nb", "\tb"} { // a mistake must not open the server to every organization
		t.Setenv("ORGANIZATIONS", value)
		if stderr, code := importInto("a"); code != 2 || !strings.Contains(stderr, "  --organizations: ") {
			t.Errorf("%q: exit code %d, %s", value, code, stderr)
		}
	}
}

func TestPublicKeysWithoutAnAudienceLogAWarning(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	occupied := occupiedAddress(t)
	for args, want := range map[string]int{
		"--jwks-url http://127.0.0.1:1/":                            1,
		"--jwks-url http://127.0.0.1:1/ --jwt-audience=":            1,
		"--jwks-url http://127.0.0.1:1/ --jwt-audience deployments": 0,
		"": 0,
	} {
		_, stderr, code := run(t, append([]string{"serve", "--listen", occupied}, strings.Fields(args)...)...)
		if got := strings.Count(stderr, `level=WARN msg="--jwt-audience is not set`); code != 1 || got != want {
			t.Errorf("%s: %d warnings, exit code %d: %s", args, got, code, stderr)
		}
	}
}

// The organization of the development token exists, whatever ORGANIZATIONS of the environment has.
func TestOrganizationsIncludeThatOfTheDevelopmentToken(t *testing.T) {
	var c serveCommand
	c.Memory.Organization, c.OrganizationClaim, c.Allowed = "test", "org_id", config.Names{"acme"}
	options := auth.Options{Organizations: c.Allowed, Logger: slog.New(slog.DiscardHandler)}
	token, _, err := c.developmentToken(&options)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if principal, err := verifier.Verify(t.Context(), token); err != nil || principal.Organization != "test" || len(c.Allowed) != 1 {
		t.Errorf("got %+v, %v", principal, err)
	}
}
