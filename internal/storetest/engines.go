package storetest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Engine is a kind of database that the server supports.
type Engine struct {
	Name string
	// URL creates an empty database that lasts as long as the test.
	URL func(t testing.TB) string
	// Migrated creates a database with the current schema that lasts as long as the test.
	Migrated func(t testing.TB) string
}

// Engines are all of them. A test that is about a database runs on each.
var Engines = []Engine{
	{Name: "PostgreSQL", URL: pgtest.URL, Migrated: PostgreSQL},
	{Name: "SQLite", URL: func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") }, Migrated: migratedSQLite},
}

// ForEachEngine runs a parallel subtest with a migrated, empty database of each engine.
func ForEachEngine(t *testing.T, test func(t *testing.T, engine Engine, url string)) {
	t.Helper()
	forEachEngine(t, func(t *testing.T, engine Engine) { test(t, engine, engine.Migrated(t)) })
}

// ForEachNewEngine is ForEachEngine with databases that were not migrated.
func ForEachNewEngine(t *testing.T, test func(t *testing.T, engine Engine, url string)) {
	t.Helper()
	forEachEngine(t, func(t *testing.T, engine Engine) { test(t, engine, engine.URL(t)) })
}

func forEachEngine(t *testing.T, test func(t *testing.T, engine Engine)) {
	t.Helper()
	t.Parallel()
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// ForEachDatabase runs a parallel subtest with a migrated, empty database of each engine, and with one in memory.
func ForEachDatabase(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	forEachEngine(t, func(t *testing.T, engine Engine) { test(t, OpenDatabase(t, engine.Migrated(t))) })
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		db, err := database.OpenMemory(t.Context())
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		closeAfter(t, db)
		migrate(t, db)
		test(t, db)
	})
}

// OnEachEngine is ForEachDatabase with a store.
func OnEachEngine(t *testing.T, test func(t *testing.T, s deployments.Store)) {
	t.Helper()
	ForEachDatabase(t, func(t *testing.T, db *database.DB) { test(t, store.New(db, store.Parts{})) })
}

// OpenDatabase migrates a database and opens it until the test ends.
func OpenDatabase(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAfter(t, db)
	migrate(t, db)
	return db
}

func migrate(t testing.TB, db *database.DB) {
	t.Helper()
	if _, err := schema.Migrator(db).Migrate(t.Context()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
}

// MigrateTo creates the schema of an earlier version in an empty database.
func MigrateTo(t testing.TB, url string, version int64) {
	t.Helper()
	db, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := schema.Migrator(db).To(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// OpenMemory opens a store in memory until the test ends.
func OpenMemory(t testing.TB, o store.MemoryOptions) *store.Store {
	t.Helper()
	s, err := store.OpenMemory(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAfter(t, s)
	return s
}

// Open migrates the database as a server does, and opens a store on it until the test ends.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	if _, err := store.Migrate(t.Context(), url); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	s, err := store.Open(store.Options{URL: url})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAfter(t, s)
	return s
}

// OpenSQL opens a database below the store until the test ends.
func OpenSQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, name := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		driver, name = "sqlite", path
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, db)
	return db
}

func closeAfter(t testing.TB, c interface{ Close() error }) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
