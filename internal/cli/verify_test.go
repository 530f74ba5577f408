package cli

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/deployrecords/deployrecords/internal/storetest"
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
	if code != 1 || !strings.Contains(stdout, "the total of all records is 2; it counts 1") || !strings.Contains(stdout, "other: 1 record,") || !strings.Contains(stderr, "--repair") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, _, code = run(t, "verify", "--organization", "other"); code != 0 || strings.Contains(stdout, "acme") {
		t.Errorf("the other: exit code %d: %s", code, stdout)
	}
	if stdout, stderr, code = run(t, "verify", "--repair"); code != 0 || !strings.Contains(stdout, "repaired; acme: 1 record,") {
		t.Errorf("repair: exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code = run(t, "verify"); code != 0 {
		t.Errorf("after the repair: exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stderr, code = run(t, "verify", "--organization", "nobody"); code != 1 || !strings.Contains(stderr, `organization "nobody": does not exist`) {
		t.Errorf("nobody: exit code %d: %s", code, stderr)
	}
}

// An organization's key can have any character of a name.
func TestVerifyTakesOrganizationsWithACommaAndABackslash(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	for organization, file := range map[string]string{"Acme, Inc.": "acme", `a\,b`: "other"} {
		if _, stderr, code := run(t, "import", "--organization", organization, recordOf(t, file)); code != 0 {
			t.Fatal(stderr)
		}
	}
	stdout, stderr, code := run(t, "verify", "--organization", "Acme, Inc.", "--organization", `a\,b`)
	if code != 0 || !strings.HasPrefix(stdout, "Acme, Inc.: 1 record,") || !strings.Contains(stdout, "\na\\,b: 1 record,") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

// Earlier versions imported such times.
func TestVerifyReportsAndRepairsTimesAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	t.Setenv("DATABASE_URL", "sqlite://"+path)
	if _, stderr, code := run(t, "import", "--organization", "acme", recordOf(t, "acme")); code != 0 {
		t.Fatal(stderr)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ahead := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, table := range []string{"deployment_records", "current_slots"} {
		if _, err := db.Exec("UPDATE "+table+" SET last_seen_at = ?", ahead.UnixMicro()); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := run(t, "verify")
	if code != 1 || !strings.Contains(stdout, "the record 10000000-0000-4000-8000-000000000000 has last_seen_at 9999-12-31T23:59:59Z, ahead of the clock, ") ||
		!strings.Contains(stderr, "1 record with times ahead of the clock: run deployrecords verify --repair") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code = run(t, "verify", "--repair"); code != 0 || !strings.Contains(stdout, "repaired; acme: 1 record,") {
		t.Errorf("repair: exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, _, code = run(t, "verify"); code != 0 || !strings.Contains(stdout, "consistent") {
		t.Errorf("after the repair: exit code %d: %s", code, stdout)
	}
	// Repair cannot move a record to another place in the history.
	if _, err := db.Exec("UPDATE deployment_records SET created_at = ?1, updated_at = ?1, last_seen_at = ?1", ahead.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code = run(t, "verify", "--repair"); code != 0 || !strings.Contains(stdout, "has created_at 9999-12-31T23:59:59Z, ahead of the clock, ") {
		t.Errorf("created_at ahead: exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code = run(t, "verify"); code != 0 || !strings.Contains(stdout, "has created_at 9999-12-31T23:59:59Z, ahead of the clock, ") {
		t.Errorf("created_at ahead, afterwards: exit code %d: %s%s", code, stdout, stderr)
	}
}

// The clock of an import is the database's, with --memory that of --now.
func TestI1_AnImportRejectsTimesAhead(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	file, err := os.ReadFile(recordOf(t, "acme"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	for _, field := range []string{"created_at", "updated_at", "last_seen_at"} {
		for _, c := range []struct {
			time string
			code int
		}{{now.Add(2 * time.Minute).Format(time.RFC3339), 1}, {"9999-12-31T23:59:59Z", 1}, {now.Add(30 * time.Second).Format(time.RFC3339), 0}} {
			line := strings.ReplaceAll(string(file), "2026-03-01T12:00:00Z", now.Add(-time.Minute).Format(time.RFC3339))
			if field == "created_at" {
				line = strings.ReplaceAll(string(file), "2026-03-01T12:00:00Z", c.time)
			} else {
				at := strings.Index(line, field) + len(field+`":"`)
				line = line[:at] + c.time + line[at+strings.Index(line[at:], `"`):]
			}
			path := filepath.Join(t.TempDir(), "times.ndjson")
			if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			_, stderr, code := run(t, "import", "--organization", "acme", path)
			if code != c.code || code != 0 && !strings.Contains(stderr, "line 1: "+field+": "+c.time+" is more than a minute ahead of the clock, ") {
				t.Errorf("%s %s: exit code %d: %s", field, c.time, code, stderr)
			}
		}
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

func TestVerifyCreatesNoDatabase(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		stdout, stderr, code := run(t, "verify", "--database-url", url)
		if code != 1 || stdout != "" || strings.Contains(stderr, "created the database") {
			t.Errorf("without a schema: exit code %d: %s%s", code, stdout, stderr)
		}
		if stdout, stderr, code = run(t, "migrate", "--database-url", url); code != 0 || !strings.HasSuffix(stdout, ", from 0\n") {
			t.Errorf("migrate: exit code %d: %s%s", code, stdout, stderr)
		}
		if stdout, stderr, code = run(t, "verify", "--database-url", url); code != 0 || stdout != "0 organizations\n" || stderr != "" {
			t.Errorf("without records: exit code %d: %s%s", code, stdout, stderr)
		}
	})
	missing := filepath.Join(t.TempDir(), "missing.db")
	if _, stderr, code := run(t, "verify", "--database-url", "sqlite://"+missing); code != 1 || stderr != "deployrecords: there is no database at sqlite://"+missing+"\n" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("verify created the file")
	}
}

func TestImportReadsItsFilesBeforeItCreatesADatabase(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(dir, "x.db"))
	good := recordOf(t, "acme")
	for file, want := range map[string]string{filepath.Join(dir, "missing"): "no such file", dir: "is a directory"} {
		_, stderr, code := run(t, "import", "--organization", "acme", good, file)
		if code != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "not read: "+good) {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the failed imports left %v, %v", left, err)
	}
}
