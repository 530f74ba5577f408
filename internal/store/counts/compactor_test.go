package counts_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Two servers fold while others record, import, repair and verify; in the end every count is that of the records.
func TestFoldersWritersAndRepairersAtTheSameTime(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		var stores []*store.Store
		for range 2 {
			stores = append(stores, store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 4}))
		}
		storetest.Load(t, stores[0], "acme", storetest.Entry(1, 0, "eu", "api"))
		writing, stop := context.WithCancel(t.Context())
		var folders, writers sync.WaitGroup
		for _, s := range stores {
			folders.Go(func() {
				for writing.Err() == nil {
					if _, err := s.Compact(t.Context()); err != nil {
						t.Errorf("fold: %v", err)
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
		folders.Wait()
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

// What a migration that was interrupted has left to be folded, the next start folds.
func TestAStartFoldsWhatIsPending(t *testing.T) {
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
