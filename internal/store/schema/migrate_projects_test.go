package schema_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A database of the schema before project sets gets them from its links; what its lists counted stays counted.
func TestADatabaseWithoutProjectSetsIsCarriedOver(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 3)
		db := storetest.OpenSQL(t, url)
		exec := func(sql string, args ...any) {
			t.Helper()
			if _, err := db.Exec(fmt.Sprintf(sql, args...)); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		moment := func(minute int) string {
			if engine.Name == "SQLite" {
				return fmt.Sprint(storetest.At(minute).UnixMicro())
			}
			return "'" + storetest.At(minute).Format("2006-01-02 15:04:05Z07:00") + "'"
		}
		artifact := func(n int) string { return storetest.NameID("acme", "artifact", fmt.Sprint(n)) }
		environment := storetest.NameID("acme", "environment", "eu")
		exec("INSERT INTO organizations (key) VALUES ('acme'), ('other')")
		exec("INSERT INTO environments (id, organization_id, name) VALUES ('%s', 1, 'eu')", environment)
		exec("INSERT INTO projects (organization_id, name) VALUES (1, 'web'), (1, 'shop'), (2, 'web')")
		exec("INSERT INTO project_versions (project_id, name) VALUES (1, 'v1'), (1, 'v2'), (2, 'v1'), (3, 'v1')")
		for n := range 4 {
			exec("INSERT INTO artifacts (id, organization_id, kind, name, version, digest) VALUES ('%s', 1, 1, 'n', 'v%d', '%s')", artifact(n), n, storetest.Digest(n))
		}
		exec("INSERT INTO project_version_artifacts (project_version_id, artifact_id) VALUES (1, '%s'), (2, '%s'), (3, '%s'), (1, '%s'), (2, '%s')",
			artifact(1), artifact(1), artifact(2), artifact(2), artifact(3))
		// One slot has had the first three artifacts, another has the last.
		for n := range 4 {
			exec("INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)"+
				" VALUES ('%s', 1, '%s', '%s', '%s', 1, 1, %[5]s, %[5]s, %[5]s)", storetest.ID(n), environment, []string{"api", "api", "api", "web"}[n], artifact(n), moment(n))
		}
		for n := 2; n < 4; n++ {
			exec("INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, created_at)"+
				" VALUES (1, '%s', '%s', '%s', '%s', 1, 1, %s)", environment, []string{"api", "web"}[n-2], storetest.ID(n), artifact(n), moment(n))
		}
		exec("INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, n)"+
			" VALUES (1, false, '%[1]s', '%[1]s', 'gone', 0, 0, 0)", counts.AnyID)

		s := storetest.Open(t, url)
		for _, project := range []struct {
			name        string
			all, latest []int
		}{{"web", []int{3, 2, 1}, []int{3, 2}}, {"shop", []int{2}, []int{2}}} {
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: project.name}, project.all...)
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{ProjectName: project.name}, project.latest...)
		}
		storetest.WantIDs(t, s, deployments.Scope{Organization: "acme", Project: "shop"}, deployments.Query{ProjectName: "web"}, 2)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All}, 3, 2, 1, 0)
		storetest.RequireVerified(t, s, "acme")
		var kept int
		if err := db.QueryRow("SELECT count(*) FROM list_totals WHERE deployment_name = 'gone'").Scan(&kept); err != nil || kept != 1 {
			t.Errorf("%d totals were kept, %v", kept, err)
		}
		if err := storetest.RecordImage(s, 0, "eu", "api", "shop"); err != nil {
			t.Fatal(err)
		}
		storetest.RequireVerified(t, s, "acme")
	})
}

// A server of the version before, which goes on beside the new ones for a moment, must not add records that no list
// of projects finds.
func TestRecordsWithoutAProjectSetAreRefusedInPostgreSQL(t *testing.T) {
	url := pgtest.URL(t)
	s := storetest.Open(t, url)
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithProject("web", "v1")))
	_, err := storetest.OpenSQL(t, url).Exec(`INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)
SELECT gen_random_uuid(), organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at FROM deployment_records`)
	if err == nil {
		t.Error("it was stored")
	}
}
