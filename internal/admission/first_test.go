package admission_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
)

func TestWorkThatOperationsHaveCausedComesBeforeTheOrganizationsNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, PlacesEach: 1, MaxWait: time.Minute})
		var mu sync.Mutex
		var order []string
		enter := func(kind string, acquire func(context.Context, string) (func(), error)) {
			go func() {
				release, err := acquire(t.Context(), "acme")
				if err != nil {
					t.Errorf("%s: %v", kind, err)
					return
				}
				mu.Lock()
				order = append(order, kind)
				mu.Unlock()
				time.Sleep(time.Second)
				release()
			}()
			synctest.Wait()
		}
		enter("batch", g.Acquire)
		enter("next batch", g.Acquire)
		enter("compaction", g.AcquireFirst)
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"batch", "compaction", "next batch"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		if s := g.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

func TestWorkThatOperationsHaveCausedDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, PlacesEach: 1, MaxWait: time.Nanosecond})
		for _, other := range []string{"a", "b"} {
			go func() { _, _ = operation(t, g, other, time.Minute) }()
		}
		synctest.Wait()
		began := time.Now()
		release, err := g.AcquireFirst(t.Context(), "acme")
		if err != nil || time.Since(began) > 0 {
			t.Fatalf("waited %v, %v", time.Since(began), err)
		}
		if s := g.Stats(); s.Running != 3 {
			t.Errorf("%d operations run", s.Running)
		}
		release()
		time.Sleep(time.Hour)
		if wait, err := operation(t, g, "c", time.Second); err != nil || wait > 0 {
			t.Errorf("afterwards: waited %v, %v", wait, err)
		}
	})
}

func TestWorkThatGivesUpOrHangsKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 1, MaxHold: 3 * time.Second})
		hanging, err := g.AcquireFirst(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.AcquireFirst(ctx, "acme"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if wait, err := operation(t, g, "acme", time.Second); err != nil || wait != 2*time.Second {
			t.Errorf("waited %v, %v", wait, err)
		}
		hanging()
		if s := g.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}
