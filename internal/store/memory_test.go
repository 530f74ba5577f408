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
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

func recordOf(environment, deployment string, digest int) deployments.Batch {
	return deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment,
		Kind: deployments.ContainerImage, Digest: Digest(digest), Status: deployments.Deployed,
	}}}}
}

func TestStoresInMemoryKnowNothingOfEachOther(t *testing.T) {
	one, other := OpenMemory(t, store.MemoryOptions{}), OpenMemory(t, store.MemoryOptions{})
	Load(t, one, "acme", Entry(1, 0, "eu", "api"))
	WantIDs(t, one, acme, deployments.Query{}, 1)
	WantIDs(t, other, acme, deployments.Query{})
	Load(t, other, "acme", Entry(2, 0, "us", "api"))
	WantIDs(t, one, acme, deployments.Query{}, 1)
	WantIDs(t, other, acme, deployments.Query{}, 2)
}

func TestAStoreInMemoryStampsByItsClockAndMakesItsIDs(t *testing.T) {
	now, ids := At(5).Add(1234*time.Nanosecond), 0
	s := OpenMemory(t, store.MemoryOptions{
		Now:   func() time.Time { return now.In(time.FixedZone("", 3600)) },
		NewID: func() string { ids++; return ID(ids) },
	})
	first := record(t, s, recordOf("eu", "api", 1))
	second := record(t, s, recordOf("eu", "api", 2))
	if want := At(5).Add(time.Microsecond); !first.CreatedAt.Equal(want) || first.CreatedAt.Location() != time.UTC {
		t.Errorf("created at %s, want %s", first.CreatedAt, want)
	}
	// W6: the clock stands still, and yet the second is later.
	if want := At(5).Add(2 * time.Microsecond); !second.CreatedAt.Equal(want) {
		t.Errorf("the second was created at %s, want %s", second.CreatedAt, want)
	}
	for _, id := range []string{first.ID, first.EnvironmentID, first.ArtifactID, second.ID, second.ArtifactID} {
		if id < ID(1) || id > ID(ids) {
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
	s := OpenMemory(t, store.MemoryOptions{})
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
				result, err := s.List(t.Context(), acme, deployments.Query{Page: deployments.Page{Size: 100}})
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
		if result := Ask(t, s, acme, deployments.Query{History: history}); result.Total != want {
			t.Errorf("%d records, want %d", result.Total, want)
		}
	}
}

// A cancelled request may cost the pool its connection. The database must not go with it.
func TestAStoreInMemoryOutlivesItsConnections(t *testing.T) {
	s := OpenMemory(t, store.MemoryOptions{})
	Load(t, s, "acme", Entry(1, 0, "eu", "api"))
	s.DropConnections()
	WantIDs(t, s, acme, deployments.Query{}, 1)
	for range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Microsecond)
		_, err := s.Record(ctx, "acme", recordOf("eu", "web", 1))
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	record(t, s, recordOf("eu", "web", 1))
	if result := Ask(t, s, acme, deployments.Query{}); result.Total != 2 {
		t.Errorf("%d records, want 2", result.Total)
	}
}
