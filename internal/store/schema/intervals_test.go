package schema_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Milestones of the version before are built again at the intervals of this one.
func TestMigrationShortensIntervals(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
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
		milestones(3)
		if _, err := storetest.OpenSQL(t, url).Exec("DELETE FROM goose_db_version WHERE version_id >= 13"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		milestones(5)
	})
}
