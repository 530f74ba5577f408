package snapshots_test

import (
	"maps"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A database of the schema before snapshots in parts keeps its records, and a snapshot in parts decommissions them.
func TestMigrationAddsSnapshotsToADatabaseWithRecords(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 5)
		db := storetest.OpenSQL(t, url)
		environment, artifact := storetest.NameID("acme", "environment", "eu"), storetest.NameID("acme", "artifact", "n")
		engine.Insert(t, db, "organizations", storetest.Row{"key": "acme"})
		engine.Insert(t, db, "environments", storetest.Row{"id": environment, "organization_id": 1, "name": "eu"})
		engine.Insert(t, db, "artifacts", storetest.Row{
			"id": artifact, "organization_id": 1, "kind": 1, "name": "n", "version": "1", "digest": storetest.Digest(1), "project_set_id": 0,
		})
		for n, deployment := range []string{"kept", "omitted"} {
			slot := storetest.Row{
				"organization_id": 1, "environment_id": environment, "deployment_name": deployment, "artifact_id": artifact,
				"kind": 1, "status": 1, "project_set_id": 0, "created_at": storetest.At(n),
			}
			record := storetest.Row{"id": storetest.ID(n), "updated_at": storetest.At(n), "last_seen_at": storetest.At(n)}
			maps.Copy(record, slot)
			engine.Insert(t, db, "deployment_records", record)
			slot["record_id"] = record["id"]
			engine.Insert(t, db, "current_slots", slot)
		}

		s := storetest.Open(t, url)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1, 0)
		p := storetest.Parts{ID: "s", At: storetest.At(9)}
		mustRecord(t, s, p.Part(1, 0, imageOf("kept")))
		if got := mustRecord(t, s, p.Part(2, 2)); got.Decommissioned != 1 {
			t.Errorf("got %+v", got)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{Status: deployments.Deployed}, 0)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{Status: deployments.Decommissioned}, 1)
		storetest.RequireVerified(t, s, "acme")
	})
}
