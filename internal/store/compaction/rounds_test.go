package compaction_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// An organization writes faster than it is compacted. The other one is compacted nevertheless.
func TestAnOrganizationThatWritesFastDelaysNoOther(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		s.SetBatchSize(2)
		for organization, batch := range map[string]deployments.Batch{"fast": twenty(0), "other": {AutoCreate: true, Items: []deployments.BatchItem{image("api", 1)}}} {
			if _, err := s.Record(t.Context(), organization, batch); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		writer, compactor := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(writer)
			for digest := 1; ctx.Err() == nil; digest++ {
				if _, err := s.Record(ctx, "fast", twenty(digest)); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		}()
		go func() {
			defer close(compactor)
			for ctx.Err() == nil {
				_, _ = s.Compact(ctx)
			}
		}()
		requirePending(t, s, "other", 0)
		stop()
		<-writer
		<-compactor
		s.SetBatchSize(20_000)
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		storetest.RequireVerified(t, s, "fast")
		storetest.RequireVerified(t, s, "other")
	})
}

// twenty returns a batch that records a digest in twenty slots.
func twenty(digest int) deployments.Batch {
	batch := deployments.Batch{AutoCreate: true}
	for i := range 20 {
		batch.Items = append(batch.Items, image(fmt.Sprint("app-", i), digest))
	}
	return batch
}

func image(deployment string, digest int) deployments.BatchItem {
	return deployments.BatchItem{Recording: deployments.Recording{
		EnvironmentName: "eu", DeploymentName: deployment, Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
	}}
}

// requirePending waits for a number of pending deltas.
func requirePending(t *testing.T, s *store.Store, organization string, want int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		found, err := s.Verify(t.Context(), organization)
		if err != nil {
			t.Fatal(err)
		}
		if found.Pending == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d deltas of %q are pending, want %d", found.Pending, organization, want)
		}
	}
}

func TestALockThatIsMissedForLongIsAnError(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := storetest.Open(t, url)
	for _, organization := range []string{"locked", "other"} {
		if _, err := s.Record(t.Context(), organization, deployments.Batch{AutoCreate: true, Items: []deployments.BatchItem{image("api", 1)}}); err != nil {
			t.Fatal(err)
		}
	}
	holder := storetest.Begin(t, storetest.OpenSQL(t, url),
		"SELECT pg_advisory_xact_lock(hashtextextended('deployrecords: counts', (SELECT id FROM organizations WHERE key = 'locked')))")
	if n, err := s.Compact(t.Context()); err != nil || n == 0 { // it has been missed once
		t.Errorf("compacted %d, %v", n, err)
	}
	if _, err := s.Record(t.Context(), "other", twenty(2)); err != nil {
		t.Fatal(err)
	}
	s.SetLockPatience(0)
	s.SetBatchSize(2)
	if _, err := s.Compact(t.Context()); err == nil || !strings.Contains(err.Error(), `organization "locked": other transactions have had the lock of its counters for`) {
		t.Errorf("got %v", err)
	}
	requirePending(t, s, "other", 0) // by several rounds
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Compact(t.Context()); err != nil || n == 0 {
		t.Errorf("compacted %d, %v", n, err)
	}
}
