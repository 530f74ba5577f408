// Package storetest holds what every store of deployment records must do: a suite that runs on each engine, and a
// plain model in memory to compare them with.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
)

// Engine is a kind of database that the server supports.
type Engine struct {
	Name string
	// URL makes an empty database that lasts as long as the test.
	URL func(t testing.TB) string
}

// Engines are all of them. A test that is about a database runs on each.
var Engines = []Engine{
	{Name: "PostgreSQL", URL: func(t testing.TB) string { return pgtest.URL(t) }},
	{Name: "SQLite", URL: func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") }},
}

// OnEachEngine runs a test with a migrated, empty store of each engine, and with one in memory.
func OnEachEngine(t *testing.T, test func(t *testing.T, s deployments.Store)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) { test(t, Open(t, engine.URL(t))) })
	}
	t.Run("Memory", func(t *testing.T) { test(t, OpenMemory(t, store.MemoryOptions{})) })
}

// OpenMemory opens a store in memory, which is closed when the test ends.
func OpenMemory(t testing.TB, o store.MemoryOptions) *store.Store {
	t.Helper()
	s, err := store.OpenMemory(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAfter(t, s)
	return s
}

// Open migrates the database and opens a store on it, which is closed when the test ends.
func Open(t testing.TB, databaseURL string) *store.Store {
	t.Helper()
	if _, err := store.Migrate(t.Context(), databaseURL); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	s, err := store.Open(store.Options{URL: databaseURL})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAfter(t, s)
	return s
}

func closeAfter(t testing.TB, s *store.Store) {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
