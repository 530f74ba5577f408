package recording_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// work is what a function takes of this process.
type work struct {
	bytes      uint64 // allocated
	processor  time.Duration
	statements int64
}

// measure returns the work of a function. No other test may run.
func measure(t *testing.T, statements *atomic.Int64, do func()) work {
	t.Helper()
	processor := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano())
	}
	var before, after runtime.MemStats
	executed := statements.Load()
	runtime.ReadMemStats(&before)
	started := processor()
	do()
	took := processor() - started
	runtime.ReadMemStats(&after)
	return work{after.TotalAlloc - before.TotalAlloc, took, statements.Load() - executed}
}

// Four times the items are about four times the work. Work for each pair of items would be sixteen times as much, and work for
// the links of each pair of artifacts even more.
func TestWorkOfTheWorstBatchesIsProportionalToTheirItems(t *testing.T) {
	racetest.Skip(t)
	versions := func(projects int) (named []deployments.ProjectVersion) {
		for i := range projects {
			named = append(named, deployments.ProjectVersion{ProjectName: fmt.Sprint("p", i), VersionName: "v"})
		}
		return named
	}
	name := func(text string) *string { return &text }
	for shape, item := range map[string]func(i int) deployments.Recording{
		"artifacts of one digest, each with the same project versions": func(i int) deployments.Recording {
			r := recordingAt(fmt.Sprint("s", i), 1)
			r.Name, r.ProjectVersions = name(fmt.Sprint("n", i)), versions(10)
			return r
		},
		"one project version for each item of one artifact": func(i int) deployments.Recording {
			r := recordingAt("s", 1)
			r.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "p", VersionName: fmt.Sprint("v", i)}}
			return r
		},
		"one artifact that is deployed and decommissioned": func(i int) deployments.Recording {
			r := recordingAt("s", 1)
			if i%2 > 0 {
				r.Status = deployments.Decommissioned
			}
			return r
		},
		"one artifact that is decommissioned again": func(int) deployments.Recording {
			r := recordingAt("s", 1)
			r.Status = deployments.Decommissioned
			return r
		},
	} {
		t.Run(shape, func(t *testing.T) {
			for _, engine := range storetest.Engines {
				t.Run(engine.Name, func(t *testing.T) {
					db := storetest.OpenDatabase(t, engine.URL(t))
					s, statements := store.New(db, store.Parts{}), countStatements(t, db)
					record := func(items int) work {
						batch := deployments.Batch{AutoCreate: true}
						for i := range items {
							batch.Items = append(batch.Items, deployments.BatchItem{Recording: item(i)})
						}
						return measure(t, statements, func() {
							if _, err := s.Record(t.Context(), fmt.Sprint("of ", items), batch); err != nil {
								t.Fatal(err)
							}
						})
					}
					const few, many = 128, 512
					record(1) // GORM parses the models
					record(few)
					record(many)
					small, large := record(few), record(many) // the artifacts and the links are stored
					t.Logf("%d items: %+v, %d items: %+v", few, small, many, large)
					if large.bytes > 6*small.bytes+1<<20 {
						t.Errorf("%d items allocate %d bytes, %d items %d", few, small.bytes, many, large.bytes)
					}
					if large.processor > 10*max(small.processor, 30*time.Millisecond) {
						t.Errorf("%d items take %v of a processor, %d items %v", few, small.processor, many, large.processor)
					}
					if large.statements > small.statements+8 { // rows are written in portions
						t.Errorf("%d items take %d statements, %d items %d", few, small.statements, many, large.statements)
					}
				})
			}
		})
	}
}
