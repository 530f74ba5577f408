package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// plain opens the database without the store.
func plain(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	driver, name := "pgx", databaseURL
	if path, ok := strings.CutPrefix(databaseURL, "sqlite://"); ok {
		driver, name = "sqlite", path
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestMigrateTellsWhatItDid(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			url := engine.URL(t)
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
}

func TestManyServersMigrateAtOnce(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			url := engine.URL(t)
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
}

func TestASchemaNewerThanTheProgramIsRefused(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			url := engine.URL(t)
			s := Open(t, url)
			if _, err := plain(t, url).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
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
}

func TestADatabaseThatIsNotMigratedIsNotReady(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			s, err := store.Open(store.Options{URL: engine.URL(t)})
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
}

// The rights are those that docs/operations.md names.
func TestPostgreSQLsLeastRightsSuffice(t *testing.T) {
	url := pgtest.URL(t)
	if _, err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	rights, err := os.ReadFile("testdata/least-rights.sql")
	if err != nil {
		t.Fatal(err)
	}
	role := fmt.Sprintf("least_%d", time.Now().UnixNano())
	pgtest.Exec(t, url, strings.ReplaceAll(string(rights), "deployrecords_server", role))
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+role+"; DROP ROLE "+role) })

	asServer := pgtest.WithUser(t, url, role, "change me")
	s := Open(t, asServer) // which migrates, with nothing to do
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	Load(t, s, "acme", Entry(1, 1, "eu", "api", WithStage("production"), WithProject("web", "v1")))
	Load(t, s, "acme", Entry(1, 1, "us", "api", WithUpdate(2)))
	WantIDs(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{}, 1)
	db := plain(t, asServer)
	for _, forbidden := range []string{
		"DELETE FROM deployment_records", "TRUNCATE organizations", "DROP TABLE environments", "CREATE TABLE mine (n int)",
		"DELETE FROM artifacts", "UPDATE goose_db_version SET version_id = 9",
	} {
		if _, err := db.Exec(forbidden); err == nil || !strings.Contains(err.Error(), "42501") && !strings.Contains(err.Error(), "owner") {
			t.Errorf("%s: got %v", forbidden, err)
		}
	}
}

func TestDatabasesThatCannotBeOpened(t *testing.T) {
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
	for _, name := range []string{"plain.db", "with space.db", "100%25?x=y#z.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		Load(t, Open(t, "sqlite://"+path), "acme", Entry(1, 1, "eu", "api"))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Chdir(t.TempDir())
	Open(t, "sqlite://relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}
}

func TestSQLiteKeepsWhatWasCommittedAndChecksReferences(t *testing.T) {
	url := Engines[1].URL(t)
	s := Open(t, url)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		if got := s.Pragma(t, pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

// A database of the first schema, with what the first release had in it, is carried over with its data.
func TestADatabaseOfTheFirstSchemaIsCarriedOver(t *testing.T) {
	for _, engine := range Engines {
		t.Run(engine.Name, func(t *testing.T) {
			url := engine.URL(t)
			store.MigrateTo(t, url, 1)
			moment := "'2026-03-01T12:00:00Z'"
			if engine.Name == "SQLite" {
				moment = fmt.Sprint(Start.UnixMicro())
			}
			const (
				environment = "'aaaaaaaa-0000-4000-8000-000000000000'"
				artifact    = "'bbbbbbbb-0000-4000-8000-000000000000'"
			)
			db := plain(t, url)
			for _, sql := range []string{
				"INSERT INTO organizations (key) VALUES ('acme')",
				"INSERT INTO environments (id, organization_id, name) VALUES (" + environment + ", 1, 'eu')",
				"INSERT INTO artifacts (id, organization_id, kind, name, version, digest) VALUES (" + artifact + ", 1, 1, 'n', 'v', '" + Digest(1) + "')",
				"INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)" +
					" VALUES ('" + ID(1) + "', 1, " + environment + ", 'api', " + artifact + ", 1, 1, " + moment + ", " + moment + ", " + moment + ")",
				"INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, created_at)" +
					" VALUES (1, " + environment + ", 'api', '" + ID(1) + "', " + artifact + ", 1, 1, " + moment + ")",
			} {
				if _, err := db.Exec(sql); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}

			s := Open(t, url)
			WantIDs(t, s, acme, deployments.Query{}, 1)
			if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 || found.Totals == 0 || found.Pending != 0 {
				t.Errorf("the counts: %+v, %v", found, err)
			}
			// The record that was there before is superseded, and its artifact is known by its digest.
			version := "v"
			result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{
				{Recording: deployments.Recording{EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: Digest(2), Status: deployments.Deployed}},
				{Recording: deployments.Recording{EnvironmentName: "eu", DeploymentName: "web", Kind: deployments.ContainerImage, Digest: Digest(1), Version: &version, Status: deployments.Deployed}},
			}, AutoCreate: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Items[1].Record; got.Artifact.Name != "n" || got.ArtifactID != strings.Trim(artifact, "'") {
				t.Errorf("got %+v", got)
			}
			WantIDs(t, s, acme, deployments.Query{History: deployments.All, Status: deployments.Superseded}, 1)
		})
	}
}
