package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func recordOf(environment, deployment string, digest int) deployments.Batch {
	return deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment,
		Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
	}}}}
}

func TestStoresInMemoryKnowNothingOfEachOther(t *testing.T) {
	one, other := storetest.OpenMemory(t, store.MemoryOptions{}), storetest.OpenMemory(t, store.MemoryOptions{})
	storetest.Load(t, one, "acme", storetest.Entry(1, 0, "eu", "api"))
	storetest.WantIDs(t, one, storetest.Acme, deployments.Query{}, 1)
	storetest.WantIDs(t, other, storetest.Acme, deployments.Query{})
	storetest.Load(t, other, "acme", storetest.Entry(2, 0, "us", "api"))
	storetest.WantIDs(t, one, storetest.Acme, deployments.Query{}, 1)
	storetest.WantIDs(t, other, storetest.Acme, deployments.Query{}, 2)
}

func TestAStoreInMemoryStampsByItsClockAndMakesItsIDs(t *testing.T) {
	now, ids := storetest.At(5).Add(1234*time.Nanosecond), 0
	s := storetest.OpenMemory(t, store.MemoryOptions{
		Now:   func() time.Time { return now.In(time.FixedZone("", 3600)) },
		NewID: func() string { ids++; return storetest.ID(ids) },
	})
	first := record(t, s, recordOf("eu", "api", 1))
	second := record(t, s, recordOf("eu", "api", 2))
	if want := storetest.At(5).Add(time.Microsecond); !first.CreatedAt.Equal(want) || first.CreatedAt.Location() != time.UTC {
		t.Errorf("created at %s, want %s", first.CreatedAt, want)
	}
	// W6: the clock stands still, and yet the second is later.
	if want := storetest.At(5).Add(2 * time.Microsecond); !second.CreatedAt.Equal(want) {
		t.Errorf("the second was created at %s, want %s", second.CreatedAt, want)
	}
	for _, id := range []string{first.ID, first.EnvironmentID, first.ArtifactID, second.ID, second.ArtifactID} {
		if id < storetest.ID(1) || id > storetest.ID(ids) {
			t.Errorf("the id %s is not of those that were made", id)
		}
	}
	if ids != 5 || second.EnvironmentID != first.EnvironmentID {
		t.Errorf("%d ids were made, for an environment, two artifacts and two records", ids)
	}
}

func record(t *testing.T, s deployments.Store, batch deployments.Batch) deployments.Record {
	t.Helper()
	result, err := s.Record(t.Context(), "acme", batch)
	if err != nil {
		t.Fatal(err)
	}
	return result.Items[0].Record
}

func TestReadersAndWritersOfAStoreInMemoryAreNeverRefused(t *testing.T) {
	s := storetest.OpenMemory(t, store.MemoryOptions{})
	const writers, each = 8, 20
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			for n := range each {
				if _, err := s.Record(t.Context(), "acme", recordOf("eu", fmt.Sprint("slot ", i), n)); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
		work.Go(func() {
			for range each {
				result, err := s.List(t.Context(), storetest.Acme, deployments.Query{Page: deployments.Page{Size: 100}})
				if err != nil || int64(len(result.Records)) != result.Total {
					t.Errorf("list: %d records of %d, %v", len(result.Records), result.Total, err)
				}
				if err := s.Ready(t.Context()); err != nil {
					t.Errorf("ready: %v", err)
				}
			}
		})
	}
	work.Wait()
	for history, want := range map[deployments.History]int64{deployments.Latest: writers, deployments.All: writers * each} {
		if result := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: history}); result.Total != want {
			t.Errorf("%d records, want %d", result.Total, want)
		}
	}
}

// A cancelled request may cost the pool its connection. The database must not go with it.
func TestAStoreInMemoryOutlivesItsConnections(t *testing.T) {
	db, err := database.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(db, store.Parts{})
	defer s.Close()
	if _, err := schema.Migrator(db).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.Load(t, s, "acme", storetest.Entry(1, 0, "eu", "api"))
	db.Pool.SetMaxIdleConns(0) // closes the idle connections
	db.Pool.SetMaxIdleConns(2)
	storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1)
	for range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Microsecond)
		_, err := s.Record(ctx, "acme", recordOf("eu", "web", 1))
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	record(t, s, recordOf("eu", "web", 1))
	if result := storetest.Ask(t, s, storetest.Acme, deployments.Query{}); result.Total != 2 {
		t.Errorf("%d records, want 2", result.Total)
	}
}
