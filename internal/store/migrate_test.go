package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestMigrateReportsVersions(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		first, err := store.Migrate(t.Context(), url)
		if err != nil || first.From != 0 || first.To < 1 {
			t.Errorf("first: got %+v, %v", first, err)
		}
		second, err := store.Migrate(t.Context(), url)
		if err != nil || second.From != first.To || second.To != first.To {
			t.Errorf("second: got %+v, %v", second, err)
		}
	})
}

func TestConcurrentMigrationsSucceed(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		results := make(chan error)
		for range 6 {
			go func() {
				_, err := store.Migrate(context.Background(), url)
				results <- err
			}()
		}
		for range 6 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSchemaNewerThanTheProgramIsRejected(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		if _, err := storetest.OpenSQL(t, url).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
			t.Fatal(err)
		}
		var schemaErr *store.SchemaError
		if _, err := store.Migrate(t.Context(), url); !errors.As(err, &schemaErr) || schemaErr.Have != 99999 || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("migrate: got %v", err)
		}
		if err := s.Ready(t.Context()); !errors.As(err, &schemaErr) {
			t.Errorf("ready: got %v", err)
		}
	})
}

func TestUnmigratedDatabaseIsNotReady(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var schemaErr *store.SchemaError
		if err := s.Ready(t.Context()); !errors.As(err, &schemaErr) || schemaErr.Have != 0 {
			t.Errorf("got %v", err)
		}
	})
}

// docs/operations.md documents these rights.
func TestLeastRightsSufficeInPostgreSQL(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	if _, err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	// Roles of clouds are named after accounts, so that a name has any characters.
	role := fmt.Sprintf(`least "%d"?@example.com`, time.Now().UnixNano())
	quoted := pgx.Identifier{role}.Sanitize()
	pgtest.Exec(t, url, "CREATE ROLE "+quoted+" LOGIN PASSWORD 'change me'")
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+quoted+"; DROP ROLE "+quoted) })
	granted := make(chan error)
	for range 3 {
		go func() { granted <- store.GrantServer(context.Background(), url, role) }()
	}
	for range 3 {
		if err := <-granted; err != nil {
			t.Error(err)
		}
	}

	asServer := pgtest.WithUser(t, url, role, "change me")
	s := storetest.Open(t, asServer) // migrates, with nothing to do
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), storetest.WithProject("web", "v1")))
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "us", "api", storetest.WithUpdate(2)))
	storetest.WantIDs(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{}, 1)
	for number := 1; number <= 2; number++ {
		part := storetest.Parts{ID: "s", At: storetest.At(3)}.Part(number, number/2*2)
		if _, err := s.Record(t.Context(), "acme", part); err != nil {
			t.Error(err)
		}
	}
	if err := store.GrantServer(t.Context(), asServer, role); err == nil || !strings.Contains(err.Error(), "run it as the owner of the schema") {
		t.Errorf("the role grants rights: %v", err)
	}
	db := storetest.OpenSQL(t, asServer)
	for _, forbidden := range []string{
		"DELETE FROM deployment_records", "TRUNCATE organizations", "DROP TABLE environments", "CREATE TABLE mine (n int)",
		"DELETE FROM artifacts", "UPDATE goose_db_version SET version_id = 9",
	} {
		if _, err := db.Exec(forbidden); err == nil || !strings.Contains(err.Error(), "42501") && !strings.Contains(err.Error(), "owner") {
			t.Errorf("%s: got %v", forbidden, err)
		}
	}
}

func TestOpenErrorsContainNoPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                            "neither postgres:// nor sqlite://",
		"mysql://u:hunter2@host/db":   "neither postgres:// nor sqlite://",
		"sqlite://":                   "names no file",
		"postgres://u:hunter2@[x/db":  "not of the form",
		"postgres://u:hunter2@h:x/db": "not of the form",
		"sqlite://" + filepath.Join(t.TempDir(), "missing", "x.db"):        "open the SQLite database",
		"postgres://u:hunter2@127.0.0.1:1/db?connect_timeout=1":            "unavailable",
		"postgres://u:hunter2@/db?host=/nonexistent-directory-for-sockets": "unavailable",
	} {
		_, err := store.Migrate(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestSQLiteFilesMayHaveAnyName(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "100%25x=y#z.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		storetest.Load(t, storetest.Open(t, "sqlite://"+path), "acme", storetest.Entry(1, 1, "eu", "api"))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Chdir(t.TempDir())
	storetest.Open(t, "sqlite://relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}
}
