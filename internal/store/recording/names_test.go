package recording_test

import (
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Names that are known take no statements, whether a recording or another server has created them.
func TestNamesOfRecordingsAreCached(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		statements := countStatements(t, db)
		recording := recordingAt("s", 1)
		recording.LogicalEnvironmentName = "production"
		record := func(s *store.Store, organization string) int64 {
			t.Helper()
			before := statements.Load()
			if _, err := s.Record(t.Context(), organization, deployments.Batch{Items: []deployments.BatchItem{{Recording: recording}}}); err != nil {
				t.Fatal(err)
			}
			return statements.Load() - before
		}
		first := store.New(db, store.Parts{})
		for _, organization := range []string{"acme", "globex"} {
			if _, err := first.Record(t.Context(), organization, deployments.Batch{Items: []deployments.BatchItem{{Recording: recording}}, AutoCreate: true}); err != nil {
				t.Fatal(err)
			}
		}
		s := store.New(db, store.Parts{})
		unknown := record(s, "acme")
		if known := record(s, "acme"); known != unknown-2 {
			t.Errorf("%d statements with known names, %d with unknown ones; want two less", known, unknown)
		}
		if got := record(s, "globex"); got != unknown {
			t.Errorf("%d statements for another organization, want %d", got, unknown)
		}
		for _, organization := range []string{"acme", "globex"} {
			storetest.RequireExactCounts(t, s, db.Pool, organization)
		}
	})
}

// A restore or a failover may take back names that are cached, and a rejected batch takes back its own. Recordings then succeed
// with new names.
func TestNamesThatTheDatabaseHasLostAreNotUsed(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{})
		batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("s", 1)}}, AutoCreate: true}
		record := func() error {
			_, err := s.Record(t.Context(), "acme", batch)
			return err
		}
		ahead := batch
		ahead.ObservedAt = time.Now().Add(24 * time.Hour)
		if _, err := s.Record(t.Context(), "acme", ahead); err == nil {
			t.Fatal("a batch of tomorrow is accepted")
		}
		for range 2 {
			if err := record(); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"current_slots", "deployment_records", "slots", "environments"} {
			if table == "slots" && db.Dialect == database.SQLite {
				continue // its one writer needs no rows to lock
			}
			if _, err := db.Pool.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
		other := store.New(db, store.Parts{})
		if _, err := other.Record(t.Context(), "acme", batch); err != nil {
			t.Fatal(err)
		}
		snapshot := deployments.Batch{Snapshot: &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(time.Second)}}
		if result, err := s.Record(t.Context(), "acme", snapshot); err != nil || result.Decommissioned != 1 {
			t.Errorf("a snapshot without deployments decommissions %d: %v", result.Decommissioned, err)
		}
		if err := record(); err != nil {
			t.Errorf("a recording fails: %v", err)
		}
	})
}
