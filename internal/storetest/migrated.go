package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
)

// PostgreSQL creates a database with the current schema, a copy of one: all migrations take far longer, with the race detector
// most of all.
var PostgreSQL = pgtest.Copies(migrateURL)

// migratedSQLite creates a copy of a file with the current schema.
func migratedSQLite(t testing.TB) string {
	t.Helper()
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrateURL("sqlite://" + path); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		return nil, fmt.Errorf("the migrated database is not one file: %v %w", entries, err)
	}
	return os.ReadFile(path)
})

func migrateURL(url string) error {
	_, err := store.Migrate(context.Background(), url)
	return err
}
