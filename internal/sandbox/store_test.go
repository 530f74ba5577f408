package sandbox

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/store"
)

// The sandbox ends while its reset opens another store.
func TestAResetLeavesNoStoreAfterTheEnd(t *testing.T) {
	var s *Store
	var opened []*store.Store
	open := func(ctx context.Context) (*store.Store, error) {
		next, err := fixture.OpenSeeded(ctx, "test", nil, time.Now, 0)
		if opened = append(opened, next); s != nil {
			_ = s.Close()
		}
		return next, err
	}
	var err error
	if s, err = newStore(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	if err := s.replace(t.Context()); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	for i, one := range opened {
		if err := one.Ready(t.Context()); err == nil {
			t.Errorf("store %d is open", i)
		}
	}
}

func TestEndedStoresLeaveNoGoroutines(t *testing.T) {
	cycle := func() {
		s, err := New(t.Context(), Options{Organization: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cycle() // starts what a program has once
	before := runtime.NumGoroutine()
	for range 20 {
		cycle()
	}
	left := runtime.NumGoroutine()
	for wait := time.Millisecond; left > before+5 && wait < 4*time.Second; wait *= 2 {
		time.Sleep(wait) // goroutines that are ending
		left = runtime.NumGoroutine()
	}
	if left > before+5 {
		t.Errorf("40 stores left %d goroutines", left-before)
	}
}
