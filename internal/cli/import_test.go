package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImportNamesAFormatThatItDoesNotRead(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	path := filepath.Join(t.TempDir(), "records.json")
	if err := os.WriteFile(path, []byte(`{"deployment_records":[],"pagination":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	next := recordOf(t, "acme")
	_, stderr, code := run(t, "import", "--organization", "acme", path, next)
	want := "deployrecords: " + path + ": nothing was loaded: the file is a response of GET /v1/deployments, not one JSON object per line; " +
		"instead: jq -c '.deployment_records[]' FILE | deployrecords import --organization KEY -\nnot read: " + next + "\n"
	if code != 1 || !strings.HasSuffix(stderr, want) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
