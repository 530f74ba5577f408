package listing_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// SQLite has no statistics of a table that was never analyzed, as one is that only recordings fill.
func TestSQLiteUsesTheRightIndexesWithoutStatistics(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "records.db"))
	lister := listing.New(db, listing.Options{})
	names := listing.RowsByID(db.WithContext(t.Context()).Session(&gorm.Session{DryRun: true}), "artifacts", "acme", nil).Find(&[]schema.Artifact{}).Statement
	project, values := lister.Statement(t, storetest.Acme,
		deployments.Query{History: deployments.All, ProjectName: "web", Page: deployments.Page{Size: 20}})
	for _, c := range []struct {
		name, sql string
		values    []any
		want      string
	}{
		{"names by ids", names.SQL.String(), names.Vars, "SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_1 (id=?)"},
		{"a project by an index alone", project, values, "USING COVERING INDEX deployment_records_by_project_set (organization_id=?"},
	} {
		plan := planOf(t, db, c.sql, c.values)
		if !strings.Contains(strings.Join(plan, "\n"), c.want) {
			t.Errorf("%s:\n%s", c.name, strings.Join(plan, "\n"))
		}
	}
}

// planOf returns the steps of SQLite's plan of a statement.
func planOf(t *testing.T, db *database.DB, statement string, values []any) (steps []string) {
	t.Helper()
	rows, err := db.Pool.Query("EXPLAIN QUERY PLAN "+statement, values...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
