package recording_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// countStatements returns a counter of the statements that GORM sends to the database.
func countStatements(t *testing.T, db *database.DB) *atomic.Int64 {
	t.Helper()
	var n atomic.Int64
	count := func(*gorm.DB) { n.Add(1) }
	callback := db.WithContext(t.Context()).Callback()
	for _, err := range []error{
		callback.Create().Register("count", count), callback.Query().Register("count", count), callback.Update().Register("count", count),
		callback.Delete().Register("count", count), callback.Row().Register("count", count), callback.Raw().Register("count", count),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &n
}

// A batch of any kind takes a number of statements that does not depend on the number of its items. Rows are inserted in portions
// whose sizes are powers of two, at most 1024: the sizes here take one portion each.
func TestStatementsOfABatchDoNotDependOnItsItems(t *testing.T) {
	racetest.Skip(t)
	decommission := func(r deployments.Recording) deployments.Recording {
		r.Status = deployments.Decommissioned
		return r
	}
	withoutDigest := func(r deployments.Recording) deployments.Recording {
		r.Digest = ""
		return decommission(r)
	}
	project := []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}}
	name := "n"
	// The steps follow each other in the same slots. Each gets the recording of its slot, of artifact i.
	steps := []struct {
		name   string
		change func(r deployments.Recording, i int) deployments.Recording
	}{
		{"decommission what never ran", func(r deployments.Recording, _ int) deployments.Recording { return decommission(r) }},
		{"add", func(r deployments.Recording, _ int) deployments.Recording { return r }},
		{"see again", func(r deployments.Recording, _ int) deployments.Recording { return r }},
		{"fill", func(r deployments.Recording, _ int) deployments.Recording { r.Name = &name; return r }},
		{"add project versions", func(r deployments.Recording, _ int) deployments.Recording { r.ProjectVersions = project; return r }},
		{"fill with project versions", func(r deployments.Recording, _ int) deployments.Recording { r.Version = &name; return r }},
		{"supersede", func(r deployments.Recording, i int) deployments.Recording {
			r.Digest = storetest.Digest(10_000 + i)
			return r
		}},
		{"supersede by one artifact", func(r deployments.Recording, _ int) deployments.Recording {
			r.Digest = storetest.Digest(20_000)
			return r
		}},
		{"supersede again", func(r deployments.Recording, i int) deployments.Recording { return r }},
		{"decommission", func(r deployments.Recording, _ int) deployments.Recording { return decommission(r) }},
		{"decommission again", func(r deployments.Recording, _ int) deployments.Recording { return decommission(r) }},
		{"add after the end", func(r deployments.Recording, _ int) deployments.Recording { return r }},
		{"decommission without a digest", func(r deployments.Recording, _ int) deployments.Recording { return withoutDigest(r) }},
		{"decommission without a digest again", func(r deployments.Recording, _ int) deployments.Recording { return withoutDigest(r) }},
		{"add for a snapshot", func(r deployments.Recording, _ int) deployments.Recording { return r }},
	}
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{Quotas: manyOfEach})
		statements := countStatements(t, db)
		const few, many = 128, 512
		counted := map[string]int64{}
		for _, n := range []int{few, many} {
			organization := fmt.Sprint("of ", n)
			record := func(step string, batch deployments.Batch) {
				t.Helper()
				batch.AutoCreate = true
				before := statements.Load()
				if _, err := s.Record(t.Context(), organization, batch); err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				got := statements.Load() - before
				if want, ok := counted[step]; ok && got != want {
					t.Errorf("%s: %d statements for %d items, %d for %d", step, want, few, got, n)
				}
				counted[step] = got
			}
			items := func(n int, change func(r deployments.Recording, i int) deployments.Recording) (batch deployments.Batch) {
				for i := range n {
					batch.Items = append(batch.Items, deployments.BatchItem{Recording: change(recordingAt(fmt.Sprint("s", i), i), i)})
				}
				return batch
			}
			for _, step := range steps {
				record(step.name, items(n, step.change))
			}
			observed := items(n, steps[1].change)
			observed.ObservedAt = time.Now().Add(-time.Hour)
			record("late recordings", observed)
			observed.ObservedAt = time.Now()
			record("recordings with a time", observed)
			late := items(n, steps[0].change)
			late.Snapshot = &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(-time.Hour)}
			record("a late snapshot", late)
			empty := deployments.Batch{Snapshot: &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(time.Second)}}
			record("an empty snapshot", empty)
			late.Snapshot.ObservedAt = time.Now().Add(-time.Minute)
			record("a late snapshot of what has ended", late)
			observed.ObservedAt = time.Now().Add(-time.Minute)
			record("late recordings of what has ended", observed)
			storetest.RequireExactCounts(t, s, db.Pool, organization)
		}
	})
}

// manyOfEach are quotas that no test exceeds.
var manyOfEach = store.Quotas{
	Environments: 1e6, LogicalEnvironments: 1e6, Projects: 1e6, ProjectVersions: 1e6, Deployments: 1e6, IdempotencyKeys: 1e6,
}

// Quotas cost statements only where a recording adds a name or a slot: one to read each number, and one or two to write it.
func TestStatementsOfQuotas(t *testing.T) {
	recording := recordingAt("s", 1)
	recording.LogicalEnvironmentName = "production"
	recording.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}}
	again := recording
	other := recording
	other.Digest = storetest.Digest(2)
	slot := recording
	slot.DeploymentName = "t"
	environment := recording
	environment.EnvironmentName = "us"
	steps := []struct {
		name      string
		recording deployments.Recording
		extra     int64
	}{
		{"everything is new", recording, 3}, // without limits, one statement counts the new names
		{"nothing is new", again, 0},
		{"a new artifact", other, 0},
		{"a new slot", slot, 3},
		{"a new environment", environment, 3},
	}
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		statements := countStatements(t, db)
		unlimited, limited := store.New(db, store.Parts{}), store.New(db, store.Parts{Quotas: manyOfEach})
		for _, organization := range []string{"acme", "globex"} { // so that both have one
			if _, err := unlimited.Record(t.Context(), organization, deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("first", 1)}}, AutoCreate: true}); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range steps {
			count := func(s *store.Store, organization string) int64 {
				before := statements.Load()
				if _, err := s.Record(t.Context(), organization, deployments.Batch{Items: []deployments.BatchItem{{Recording: step.recording}}, AutoCreate: true}); err != nil {
					t.Fatal(err)
				}
				return statements.Load() - before
			}
			without, with := count(unlimited, "acme"), count(limited, "globex")
			t.Logf("%s: %d statements, %d with quotas", step.name, without, with)
			if with-without != step.extra {
				t.Errorf("%s: quotas cost %d statements, want %d", step.name, with-without, step.extra)
			}
		}
	})
}
