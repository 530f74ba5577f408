package store

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// SQLite guesses where a table was never analyzed, as one that only recordings fill is not.
func TestSQLiteReadsNoMoreThanItNeedsOfTablesThatWereNeverAnalyzed(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "records.db")
	if _, err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.db.Close()
	project := listStatement(sqLite, counts.DefaultMilestoneInterval, deployments.Scope{Organization: "acme"},
		deployments.Query{History: deployments.All, ProjectName: "web", Page: deployments.Page{Size: 20}})
	for _, c := range []struct {
		what, sql string
		args      []any
		want      string
	}{
		{"names, by their ids", byID(sqLite, "artifacts"), []any{"acme", "[]"}, "SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_1 (id=?)"},
		{"a project, by the index alone", project.text.String(), project.args, "USING COVERING INDEX deployment_records_by_project_set (organization_id=?"},
	} {
		rows, err := s.db.Pool.Query("EXPLAIN QUERY PLAN "+c.sql, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(plan, "\n"), c.want) {
			t.Errorf("%s:\n%s", c.what, strings.Join(plan, "\n"))
		}
	}
}
