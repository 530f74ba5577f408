package importing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestLatestOfASlotFollowsChangesAcrossBatches(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		for i, limits := range []struct{ slots, reorder int }{{0, 1}, {0, 100}, {100, 1}, {100, 100}} {
			s := withLimits(db, importing.Limits{Batch: 1, Cache: limits.slots, Reorder: limits.reorder, Slots: limits.slots})
			slot := fmt.Sprint("slot", i)
			storetest.Load(t, s, "acme", storetest.Entry(i+1, 1, "eu", slot), storetest.Entry(i+1, 1, "eu", slot, storetest.WithUpdate(2), storetest.WithStatus(deployments.Superseded)))
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: slot, Status: deployments.Superseded}, i+1)
		}
	})
}

func TestRejectedImportStopsReadingAfterTheNextBatch(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := withLimits(db, importing.Limits{Batch: 25, Cache: 100, Reorder: 100, Slots: 100})
		read, over := 0, false
		_, err := s.Import(context.Background(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
			defer func() { over = true }()
			for e, err := range storetest.ManyEntries(1000) {
				e.Record.EnvironmentID, e.Record.EnvironmentName = storetest.ID(1), fmt.Sprint("env", e.Line)
				if read++; !yield(e, err) {
					return
				}
			}
		})
		var refused *deployments.ImportError
		if !errors.As(err, &refused) || len(refused.Violations) != 20 || !refused.More || refused.Violations[0].Line != 2 {
			t.Errorf("got %v", err)
		}
		// Without a lock, because the reader of the entries has ended.
		if !over || read > 75 {
			t.Errorf("%d entries were read, and reading is over: %v", read, over)
		}
	})
}

// A pipe may stay open without another line. The import ends with its context.
func TestAnImportThatWaitsForItsInputEndsWithItsContext(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := withLimits(db, importing.Limits{Batch: 1, Cache: 1, Reorder: 1, Slots: 1})
		ctx, cancel := context.WithCancel(t.Context())
		more := make(chan struct{})
		defer close(more)
		_, err := s.Import(ctx, "acme", func(yield func(deployments.ImportEntry, error) bool) {
			for e, err := range storetest.ManyEntries(3) {
				if !yield(e, err) {
					return
				}
			}
			cancel()
			<-more
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{}); got.Total != 0 {
			t.Errorf("%d records were imported", got.Total)
		}
	})
}

func withLimits(db *database.DB, limits importing.Limits) *store.Store {
	return store.New(db, store.Parts{ImportLimits: limits})
}
