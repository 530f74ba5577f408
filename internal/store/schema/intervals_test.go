package schema_test

import (
	"database/sql"
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
		if _, err := db.Exec("SELECT * FROM list_ranges"); err == nil {
			t.Error("a server of the version before still finds the milestones")
		}
	})
}

// removeCoarseMilestones gives the milestones the table of the schema before coarse ones.
func removeCoarseMilestones(t *testing.T, engine storetest.Engine, db *sql.DB) {
	t.Helper()
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
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
