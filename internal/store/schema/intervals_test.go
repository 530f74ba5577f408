package schema_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Milestones of the version before are built again at the intervals of this one.
func TestMigrationShortensIntervals(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2000})
		var entries []deployments.ImportEntry
		for n := range 5000 {
			entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
		}
		storetest.Load(t, s, "acme", entries...)
		milestones := func(want int64) {
			t.Helper()
			// 11 lists have some: all records, a status, a kind and both; an environment, and with either; a deployment name, and with
			// an environment or either.
			if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 || found.Milestones != 11*want {
				t.Errorf("got %+v, %v, want %d milestones in each list", found, err, want)
			}
		}
		milestones(3 + 1)
		db := storetest.OpenSQL(t, url)
		removeCoarseMilestones(t, engine, db)
		if _, err := db.Exec("DELETE FROM goose_db_version WHERE version_id >= 13"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		milestones(5 + 1)
		for _, table := range []string{"list_ranges", "milestones"} {
			if _, err := db.Exec("SELECT * FROM " + table); err == nil {
				t.Errorf("a server of a version before still finds the milestones in %s", table)
			}
		}
	})
}

// removeCountedArtifacts gives the database the schema before counted artifacts, except for the triggers.
func removeCountedArtifacts(t *testing.T, engine storetest.Engine, db *sql.DB) {
	t.Helper()
	const key = "PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, coarse, created_at, record_id)"
	statements := []string{
		"DROP TABLE counted_artifacts",
		"ALTER TABLE list_changes DROP COLUMN artifact_id",
		"ALTER TABLE list_positions RENAME TO milestones",
		"ALTER TABLE milestones DROP CONSTRAINT list_positions_pkey, DROP COLUMN artifact_id, ADD CONSTRAINT milestones_pkey " + key,
		"DELETE FROM goose_db_version WHERE version_id >= 15",
	}
	if engine.Name == "SQLite" {
		statements = []string{
			statements[0], statements[1], statements[4],
			`CREATE TABLE milestones (organization_id integer NOT NULL, environment_id text NOT NULL, logical_environment_id text NOT NULL, deployment_name text NOT NULL,
  status integer NOT NULL, kind integer NOT NULL, project_id integer NOT NULL, coarse integer NOT NULL, created_at integer NOT NULL, record_id text NOT NULL, n integer NOT NULL, ` + key + `) STRICT, WITHOUT ROWID`,
			`INSERT INTO milestones SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, coarse, created_at, record_id, n
FROM list_positions`,
			"DROP TABLE list_positions",
		}
	}
	execAll(t, db, statements)
}

func execAll(t *testing.T, db *sql.DB, statements []string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// removeCoarseMilestones gives the milestones the table of the schema before coarse ones.
func removeCoarseMilestones(t *testing.T, engine storetest.Engine, db *sql.DB) {
	t.Helper()
	removeCountedArtifacts(t, engine, db)
	const key = "PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, created_at, record_id)"
	statements := []string{
		"DELETE FROM milestones WHERE coarse",
		"ALTER TABLE milestones RENAME TO list_ranges",
		"ALTER TABLE list_ranges DROP CONSTRAINT milestones_pkey, DROP COLUMN coarse, ADD CONSTRAINT long_list_milestones_pkey " + key,
	}
	if engine.Name == "SQLite" {
		statements = []string{
			`CREATE TABLE list_ranges (organization_id integer NOT NULL, environment_id text NOT NULL, logical_environment_id text NOT NULL, deployment_name text NOT NULL,
  status integer NOT NULL, kind integer NOT NULL, project_id integer NOT NULL, created_at integer NOT NULL, record_id text NOT NULL, n integer NOT NULL, ` + key + `) STRICT, WITHOUT ROWID`,
			`INSERT INTO list_ranges SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, created_at, record_id, n
FROM milestones WHERE NOT coarse`,
			"DROP TABLE milestones",
		}
	}
	execAll(t, db, statements)
}

// The migration keeps milestones. Deltas that were pending before it have no artifact, and count for none.
func TestMigrationAddsArtifactsWhileDeltasArePending(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
		var entries []deployments.ImportEntry
		for n := range 20 {
			entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
		}
		storetest.Load(t, s, "acme", entries...)
		record := func(environment string) {
			t.Helper()
			for digest := range 4 {
				if err := storetest.RecordImage(s, digest, environment, fmt.Sprint("app", digest)); err != nil {
					t.Fatal(err)
				}
			}
		}
		record("eu")
		before, err := s.Verify(t.Context(), "acme")
		if err != nil || before.Found != 0 || before.Pending == 0 {
			t.Fatalf("before: %+v, %v", before, err)
		}
		db := storetest.OpenSQL(t, url)
		removeCountedArtifacts(t, engine, db)
		storetest.MigrateTo(t, url, 15)
		after, err := s.Verify(t.Context(), "acme")
		if err != nil || after.Found != 0 || after.Milestones != before.Milestones || after.Pending != before.Pending {
			t.Errorf("after: %+v, %v; before %+v", after, err, before)
		}
		want := func(total int64) {
			t.Helper()
			byDigest := deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1)}
			if got := storetest.Ask(t, s, storetest.Acme, byDigest).Total; got != total {
				t.Errorf("the total is %d, want %d", got, total)
			}
		}
		want(21)
		if err := s.CountDemanded(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(21)
		record("us")
		want(22)
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(22)
		storetest.RequireExactCounts(t, s, db, "acme")
	})
}

// An import that runs reads milestones at its end. The migration waits for it, without a lock that it needs.
func TestMigrationWaitsForAnImportThatCompacts(t *testing.T) {
	t.Parallel()
	engine := storetest.Engines[0]
	url := engine.Migrated(t)
	s := store.New(storetest.OpenDatabase(t, url), store.Parts{})
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
	db := storetest.OpenSQL(t, url)
	removeCountedArtifacts(t, engine, db)
	execAll(t, db, []string{"ALTER TABLE deployment_records DISABLE TRIGGER USER"}) // which are those of the new schema
	writer := storetest.Begin(t, db, "UPDATE deployment_records SET updated_at = updated_at")
	migrated := make(chan error, 1)
	go func() {
		_, err := store.Migrate(t.Context(), url)
		migrated <- err
	}()
	storetest.WaitForLocks(t, db, 1)
	for _, statement := range []string{"LOCK TABLE list_changes IN ROW EXCLUSIVE MODE", "LOCK TABLE milestones IN ROW EXCLUSIVE MODE"} {
		if _, err := writer.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := writer.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	storetest.RequireVerified(t, s, "acme")
}
