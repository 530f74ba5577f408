package cli

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheLogHasTheSettingsThatAreNotTheDefault(t *testing.T) {
	database := "sqlite://" + strings.ReplaceAll(filepath.Join(t.TempDir(), "x.db"), " ", "%20")
	t.Setenv("DATABASE_URL", database)
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	t.Setenv("REQUEST_TIMEOUT", "30s") // the default
	t.Setenv("IDLE_TIMEOUT", "3m")
	for args, want := range map[string]string{
		"": "database=" + database + " jwt_hmac_secret=true idle_timeout=3m0s",
		"--allow-missing-scope --no-auto-create --first-page 1 --project-claim= --jwt-issuer https://u:hunter2@issuer.test/?key=hunter2": "database=" + database +
			" jwt_hmac_secret=true jwt_issuer=https://u:xxxxx@issuer.test/ project_claim=\"\" allow_missing_scope=true auto_create=false first_page=1 idle_timeout=3m0s",
		"--memory --now 2026-11-01T09:30:00Z": `database="in memory" jwt_hmac_secret=true now=2026-11-01T09:30:00.000Z idle_timeout=3m0s`,
	} {
		// The server starts, and ends when it tries to listen.
		_, stderr, _ := run(t, append(strings.Fields("serve --listen 203.0.113.1:1"), strings.Fields(args)...)...)
		var got string
		if line := regexp.MustCompile(`msg=starting .*`).FindString(stderr); line != "" {
			_, got, _ = strings.Cut(strings.ReplaceAll(line, "settings.", ""), "database=")
			got = strings.Replace("database="+got, " listen=203.0.113.1:1", "", 1)
		}
		if got != want || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s:\ngot  %s\nwant %s\n%s", args, got, want, stderr)
		}
	}
}

func TestVariablesOfADatabaseHaveNoEffectInMemory(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_URL": "x", "DATABASE_SESSION_SETTINGS": "x", "DATABASE_REPLICA_URL": "x", "READ_ONLY": "true", "MAX_CONCURRENT_LISTS": "99", "MAX_ENVIRONMENTS": "5",
	} {
		t.Setenv(name, value)
	}
	// The server starts, and ends when it tries to listen.
	_, stderr, _ := run(t, "serve", "--memory", "--listen", "203.0.113.1:1")
	if !strings.Contains(stderr, `msg=starting`) || strings.Contains(stderr, "max_environments") || strings.Contains(stderr, "session_settings") || strings.Contains(stderr, "invalid") {
		t.Errorf("got %s", stderr)
	}
}
