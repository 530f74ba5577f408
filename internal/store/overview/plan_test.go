package overview_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/overview"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// An index alone has what the matrix of the DEPLOYED records needs: its rows, and its cells by the deployment names of the page.
func TestAnIndexAnswersTheMatrix(t *testing.T) {
	const index = "deployment_records_deployed_by_deployment_name"
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		var entries []deployments.ImportEntry
		for i := range 900 {
			status := deployments.Superseded
			if i%3 == 0 {
				status = deployments.Deployed
			}
			entries = append(entries, storetest.Entry(i, i, fmt.Sprint("env", i%20), fmt.Sprint("app", i%45), storetest.WithStage("dev"), storetest.WithStatus(status)))
		}
		storetest.Load(t, store.New(db, store.Parts{}), "acme", entries...)
		if _, err := db.Pool.Exec("VACUUM"); err != nil { // index-only scans need it
			t.Fatal(err)
		}
		if _, err := db.Pool.Exec("ANALYZE"); err != nil {
			t.Fatal(err)
		}
		for _, grouping := range []deployments.Grouping{deployments.ByLogicalEnvironment, deployments.ByEnvironment} {
			text, values, err := overview.Statement(overview.New(db, overview.Options{}), storetest.Acme,
				deployments.Query{History: deployments.All, Status: deployments.Deployed, Page: deployments.Page{Size: 10}},
				deployments.Columns{Grouping: grouping, Page: deployments.Page{Size: 10}})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"USING COVERING INDEX " + index + " (organization_id=?)", "USING COVERING INDEX " + index + " (organization_id=? AND deployment_name=?)"}
			var plan string
			if db.Dialect == database.SQLite {
				plan = strings.Join(storetest.SQLitePlan(t, db.Pool, text, values), "\n")
			} else {
				want = []string{"Index Only Scan using " + index, "deployment_name = pages"}
				rows, err := db.Pool.Query("EXPLAIN "+text, values...)
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				for rows.Next() {
					var line string
					if err := rows.Scan(&line); err != nil {
						t.Fatal(err)
					}
					plan += line + "\n"
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
			}
			for _, part := range want {
				if !strings.Contains(plan, part) {
					t.Errorf("grouping %d: the plan lacks %q:\n%s", grouping, part, plan)
				}
			}
		}
	})
}
