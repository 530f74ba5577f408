package schema_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A database of the schema before milestones of projects, whose milestones some build has left wrong: all are set anew
// before a server lists, though nothing is to be folded.
func TestADatabaseWithoutMilestonesOfProjectsIsCarriedOver(t *testing.T) {
	const records = 20_000 // enough for milestones
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 4)
		db := storetest.OpenSQL(t, url)
		exec := func(sql string, args ...any) {
			t.Helper()
			if _, err := db.Exec(fmt.Sprintf(sql, args...)); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		environment, artifact := storetest.NameID("acme", "environment", "eu"), storetest.NameID("acme", "artifact", "1")
		exec("INSERT INTO organizations (key) VALUES ('acme')")
		exec("INSERT INTO environments (id, organization_id, name) VALUES ('%s', 1, 'eu')", environment)
		exec("INSERT INTO projects (organization_id, name) VALUES (1, 'web')")
		exec("INSERT INTO project_versions (project_id, name) VALUES (1, 'v1')")
		exec("INSERT INTO project_sets (organization_id, members) VALUES (1, '1')")
		exec("INSERT INTO project_set_members (project_id, project_set_id) VALUES (1, 1)")
		exec("INSERT INTO artifacts (id, organization_id, kind, name, version, digest, project_set_id) VALUES ('%s', 1, 1, 'n', 'v', '%s', 1)", artifact, storetest.Digest(1))
		exec("INSERT INTO project_version_artifacts (project_version_id, artifact_id) VALUES (1, '%s')", artifact)
		moment, id := "n", "printf('%08x-0000-4000-8000-000000000000', n)"
		if engine.Name == "PostgreSQL" {
			moment, id = "timestamptz '2026-01-01' + n * interval '1 s'", "CAST(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000' AS uuid)"
		}
		exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d)
INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT %s, 1, '%s', 'api', '%s', 1, 3, 1, %[5]s, %[5]s, %[5]s FROM numbers`, records, id, environment, artifact, moment)
		exec(`INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, project_set_id, created_at)
SELECT organization_id, environment_id, deployment_name, id, artifact_id, kind, status, project_set_id, created_at FROM deployment_records ORDER BY created_at DESC LIMIT 1`)
		exec(`INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
VALUES (1, false, '%[1]s', '%[1]s', '', 0, 0, 0, %[2]d), (1, false, '%[1]s', '%[1]s', '', 3, 0, 0, %[2]d), (1, false, '%[1]s', '%[1]s', '', 0, 1, 0, %[2]d),
 (1, false, '%[1]s', '%[1]s', '', 3, 1, 0, %[2]d), (1, false, '%[3]s', '%[1]s', '', 0, 0, 0, %[2]d), (1, false, '%[3]s', '%[1]s', '', 3, 0, 0, %[2]d),
 (1, false, '%[3]s', '%[1]s', '', 0, 1, 0, %[2]d), (1, false, '%[3]s', '%[1]s', '', 3, 1, 0, %[2]d), (1, false, '%[1]s', '%[1]s', 'api', 0, 0, 0, %[2]d),
 (1, false, '%[1]s', '%[1]s', '', 0, 0, 1, %[2]d)`, counts.AnyID, records, environment)
		exec(`INSERT INTO list_milestones (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
SELECT 1, '%[1]s', '%[1]s', '', 3, 1, created_at, id, 1000 FROM deployment_records ORDER BY created_at LIMIT 3`, counts.AnyID)
		exec("DELETE FROM list_changes WHERE NOT latest") // which are in the totals

		s := storetest.Open(t, url)
		verification, err := s.Verify(t.Context(), "acme")
		// Of all, a status, a kind, both, an environment, a deployment name and a project: at 0, 8,192 and 16,384 records.
		if storetest.RequireVerified(t, s, "acme"); err != nil || verification.Milestones != 3*7 || verification.Pending != 0 || verification.Records != records {
			t.Errorf("got %+v, %v", verification, err)
		}
		for _, q := range []deployments.Query{{ProjectName: "web"}, {Status: deployments.Superseded, ArtifactKind: deployments.ContainerImage}} {
			q.History, q.Page = deployments.All, deployments.Page{Number: records / 4, Size: 2}
			got := storetest.Ask(t, s, storetest.Acme, q)
			want := fmt.Sprintf("%08x-0000-4000-8000-000000000000", records/2)
			if got.Total != records || len(got.Records) != 2 || got.Records[0].ID != want {
				t.Errorf("%+v: got %+v", q, got)
			}
		}
		if _, err := db.Exec("SELECT * FROM list_milestones"); err == nil {
			t.Error("a build that knows fewer milestones still finds them")
		}
	})
}
