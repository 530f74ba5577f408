package admission_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
)

func TestStatsCountRunningWaitingAndRejectedOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, MaxWait: 5 * time.Second, MaxWaiting: 3})
		for range 5 {
			go func() { _, _ = operation(t, g, "greedy", 4*time.Second) }()
		}
		synctest.Wait()
		if _, err := operation(t, g, "greedy", time.Second); err == nil {
			t.Error("the sixth operation was admitted")
		}
		want := admission.Stats{Places: 2, Running: 2, Waiting: 3, RejectedForShare: 1}
		if got := g.Stats(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		time.Sleep(time.Minute)
		if got := g.Stats(); got.Running != 0 || got.Waiting != 0 || got.RejectedForShare < 1 {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func TestStatsSeparateTheLoadOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, MaxWait: time.Second})
		for range 2 {
			go func() { _, _ = operation(t, g, "greedy", time.Minute) }()
		}
		synctest.Wait()
		if _, err := operation(t, g, "modest", time.Second); err == nil {
			t.Error("the operation of another organization was admitted")
		}
		if got := g.Stats(); got.RejectedForLoad != 1 || got.RejectedForShare != 0 {
			t.Errorf("got %+v", got)
		}
		time.Sleep(2 * time.Minute)
	})
}
