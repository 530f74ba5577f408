package cli

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

func TestVerifyReportsAndRepairs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	t.Setenv("DATABASE_URL", "sqlite://"+path)
	for _, organization := range []string{"acme", "other"} {
		if _, stderr, code := run(t, "import", "--organization", organization, recordOf(t, organization)); code != 0 {
			t.Fatal(stderr)
		}
	}
	stdout, stderr, code := run(t, "verify")
	if code != 0 || strings.Count(stdout, "consistent") != 2 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}

	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE list_totals SET n = n + 1 WHERE organization_id = (SELECT id FROM organizations WHERE key = 'acme')"); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code = run(t, "verify")
	if code != 1 || !strings.Contains(stdout, "the total of all records is 2; it counts 1") || !strings.Contains(stdout, "other: 1 records") || !strings.Contains(stderr, "--repair") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, _, code = run(t, "verify", "--organization", "other"); code != 0 || strings.Contains(stdout, "acme") {
		t.Errorf("the other: exit code %d: %s", code, stdout)
	}
	if stdout, stderr, code = run(t, "verify", "--repair"); code != 0 || !strings.Contains(stdout, "repaired; acme: 1 records") {
		t.Errorf("repair: exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code = run(t, "verify"); code != 0 {
		t.Errorf("after the repair: exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stderr, code = run(t, "verify", "--organization", "nobody"); code != 1 || !strings.Contains(stderr, `organization "nobody": does not exist`) {
		t.Errorf("nobody: exit code %d: %s", code, stderr)
	}
}

// recordOf writes a file with one record, whose id depends on the organization.
func recordOf(t *testing.T, organization string) string {
	t.Helper()
	id := map[string]string{"acme": "1", "other": "2"}[organization] + "0000000-0000-4000-8000-000000000000"
	line := `{"id":"` + id + `","environment_name":"eu","deployment_name":"api","status":"DEPLOYED","created_at":"2026-03-01T12:00:00Z",` +
		`"updated_at":"2026-03-01T12:00:00Z","last_seen_at":"2026-03-01T12:00:00Z",` +
		`"artifact":{"kind":"CONTAINER_IMAGE","name":"n","version":"1","digest":"sha256:` + strings.Repeat("0", 64) + `"}}`
	path := filepath.Join(t.TempDir(), organization+".ndjson")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
