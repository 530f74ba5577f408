package schema_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestAMigrationTakesAlongWhatIsBeingRecorded(t *testing.T) {
	for _, version := range []int64{1, 2, 3} {
		t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
			url := pgtest.URL(t)
			storetest.MigrateTo(t, url, version)
			db := storetest.OpenSQL(t, url)
			environment, artifact := storetest.NameID("acme", "environment", "eu"), storetest.NameID("acme", "artifact", "1")
			record := func(n int) string {
				return fmt.Sprintf("INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)"+
					" VALUES ('%s', 1, '%s', 'app%d', '%s', 1, 1, now(), now(), now())", storetest.ID(n), environment, n, artifact)
			}
			slot := func(n int) string {
				return fmt.Sprintf("INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, created_at)"+
					" SELECT organization_id, environment_id, deployment_name, id, artifact_id, kind, status, created_at FROM deployment_records WHERE id = '%s'", storetest.ID(n))
			}
			before := storetest.Begin(t, db,
				"INSERT INTO organizations (key) VALUES ('acme')",
				"INSERT INTO environments (id, organization_id, name) VALUES ('"+environment+"', 1, 'eu')",
				"INSERT INTO artifacts (id, organization_id, kind, name, version, digest) VALUES ('"+artifact+"', 1, 1, 'n', 'v', '"+storetest.Digest(1)+"')",
				record(1), slot(1))
			if err := before.Commit(); err != nil {
				t.Fatal(err)
			}

			recorder := storetest.Begin(t, db, record(2), slot(2))
			migrated := make(chan error, 1)
			go func() {
				_, err := store.Migrate(t.Context(), url)
				migrated <- err
			}()
			storetest.WaitForLocks(t, db, 1)
			if err := recorder.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-migrated; err != nil {
				t.Fatal(err)
			}
			s := storetest.Open(t, url)
			storetest.RequireVerified(t, s, "acme")
			for _, history := range []deployments.History{deployments.All, deployments.Latest} {
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: history}, 2, 1)
			}
		})
	}
}
