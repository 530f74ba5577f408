package compaction_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A batch and the compaction of its organization never run at once.
func TestCompactionTakesTurnsWithLargeBodies(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{})
		if err := storetest.RecordImage(s, 1, "eu", "api", "web"); err != nil {
			t.Fatal(err)
		}
		gate := s.LargeBodies()
		var batches []func()
		for gate.Stats().Running < gate.Stats().Places { // those of acme have fewer
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			release, err := gate.Acquire(ctx, "acme")
			cancel()
			if err != nil {
				break
			}
			batches = append(batches, release)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if n, err := s.Compact(ctx); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("beside a batch: got %d, %v", n, err)
		}
		for _, release := range batches {
			release()
		}
		if n, err := s.Compact(t.Context()); n == 0 || err != nil {
			t.Errorf("after the batch: got %d, %v", n, err)
		}
		if running := gate.Stats().Running; running != 0 {
			t.Errorf("%d places are taken", running)
		}
	})
}
