package compaction_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Two servers compact while others record, import, repair and verify. In the end every count is exact.
func TestConcurrentCompactionsWritesAndRepairsKeepCountsExact(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		var stores []*store.Store
		for range 2 {
			stores = append(stores, store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 4}))
		}
		storetest.Load(t, stores[0], "acme", storetest.Entry(1, 0, "eu", "api"))
		var counters []*store.Store // each with a demand of its own
		for range 5 {
			counters = append(counters, store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 4}))
		}
		writing, stop := context.WithCancel(t.Context())
		var compactors, writers sync.WaitGroup
		for _, s := range stores {
			compactors.Go(func() {
				for writing.Err() == nil {
					if _, err := s.Compact(t.Context()); err != nil {
						t.Errorf("compact: %v", err)
						return
					}
					if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 {
						t.Errorf("verify: %+v, %v", found, err)
						return
					}
				}
			})
		}
		for w := range 3 {
			writers.Go(func() {
				for i := range 15 {
					_, err := stores[w%2].Record(t.Context(), "acme", deployments.Batch{AutoCreate: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
						EnvironmentName: fmt.Sprint("eu", w%2), DeploymentName: fmt.Sprint("app", i%3), Kind: deployments.ContainerImage,
						Digest: storetest.Digest(100*w + i), Status: deployments.Deployed,
					}}}})
					if err != nil {
						t.Errorf("record: %v", err)
					}
				}
			})
		}
		writers.Go(func() {
			for i := range 5 {
				var file []deployments.ImportEntry
				for n := range 20 {
					file = append(file, storetest.Entry(1000+100*i+n, n, "eu0", fmt.Sprint("app", n%4), storetest.WithStatus(deployments.Superseded)))
				}
				if _, err := stores[1].Import(t.Context(), "acme", storetest.Entries(file...)); err != nil {
					t.Errorf("import: %v", err)
				}
				byDigest := deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1), Page: deployments.Page{Size: 1}}
				if got, err := counters[i].List(t.Context(), storetest.Acme, byDigest); err != nil || got.Total <= 8 {
					t.Errorf("list: %d records, %v", got.Total, err)
				}
				if err := counters[i].CountDemanded(t.Context()); err != nil {
					t.Errorf("count artifacts: %v", err)
				}
			}
		})
		writers.Go(func() {
			for range 3 {
				if err := stores[0].Repair(t.Context(), "acme"); err != nil {
					t.Errorf("repair: %v", err)
				}
			}
		})
		writers.Wait()
		stop()
		compactors.Wait()
		if _, err := stores[0].Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		found, err := stores[1].Verify(t.Context(), "acme")
		if err != nil || found.Found != 0 || found.Records != 146 || found.Pending != 0 || found.Milestones < 20 {
			t.Errorf("got %+v, %v", found, err)
		}
		storetest.RequireExactCounts(t, stores[0], storetest.OpenSQL(t, url), "acme")
	})
}

// The next start compacts the deltas that an interrupted migration left.
func TestStartCompactsPendingDeltas(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		_, err := s.Record(t.Context(), "acme", deployments.Batch{AutoCreate: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
			EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: storetest.Digest(1), Status: deployments.Deployed,
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		if before, err := s.Verify(t.Context(), "acme"); err != nil || before.Pending == 0 {
			t.Fatalf("before: %+v, %v", before, err)
		}
		again := storetest.Open(t, url)
		if after, err := again.Verify(t.Context(), "acme"); err != nil || after.Pending != 0 || after.Found != 0 {
			t.Errorf("after: %+v, %v", after, err)
		}
	})
}
