package admission_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// operation acquires a place, holds it for a time and returns how long it waited.
func operation(t *testing.T, g *admission.Gate, organization string, hold time.Duration) (wait time.Duration, err error) {
	t.Helper()
	began := time.Now()
	release, err := g.Acquire(t.Context(), organization)
	if err != nil {
		return time.Since(began), err
	}
	wait = time.Since(began)
	time.Sleep(hold)
	release()
	return wait, nil
}

func TestOrganizationsDoNotWaitForTheQueuesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2})
		for range 100 {
			go func() { _, _ = operation(t, g, "greedy", time.Second) }()
		}
		synctest.Wait()
		for range 3 {
			// One operation of the other organization waits for one place, not for the hundred.
			if wait, err := operation(t, g, "modest", time.Second); err != nil || wait > time.Second {
				t.Errorf("waited %v, %v", wait, err)
			}
		}
		time.Sleep(time.Minute)
		if n := g.Stats().Waiting; n != 0 {
			t.Errorf("%d operations wait", n)
		}
	})
}

func TestOneOrganizationLeavesAPlaceToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 4, PlacesEach: 3})
		for range 10 {
			go func() { _, _ = operation(t, g, "greedy", time.Minute) }()
		}
		synctest.Wait()
		if wait, err := operation(t, g, "modest", time.Second); err != nil || wait > 0 {
			t.Errorf("waited %v, %v", wait, err)
		}
		time.Sleep(time.Hour)
	})
}

func TestOperationsWhoseTurnComesTooLateAreRejectedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, MaxWait: 5 * time.Second})
		if _, err := operation(t, g, "greedy", time.Second); err != nil { // the gate learns how long an operation takes
			t.Fatal(err)
		}
		var rejected, admitted atomic.Int32
		for range 100 {
			go func() {
				wait, err := operation(t, g, "greedy", time.Second)
				var overload *deployments.OverloadError
				switch {
				case err == nil:
					admitted.Add(1)
				case !errors.As(err, &overload) || overload.RetryAfter < 5*time.Second || wait == 0 && !overload.OwnShare:
					t.Errorf("after %v: %v, %+v", wait, err, overload)
				case wait == 0:
					rejected.Add(1)
				}
			}()
		}
		synctest.Wait()
		if wait, err := operation(t, g, "modest", time.Second); err != nil || wait > time.Second {
			t.Errorf("another organization waited %v, %v", wait, err)
		}
		time.Sleep(time.Minute)
		// Two places serve ten operations in five seconds. The other organization takes one place from the last of them.
		if rejected.Load() != 88 || admitted.Load() < 9 {
			t.Errorf("%d rejected at once, %d admitted", rejected.Load(), admitted.Load())
		}
	})
}

// Short operations of an organization pass long ones of others, however many places these could have.
func TestShortOperationsPassLongOnesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 4, PlacesEach: 3, MaxWait: 5 * time.Second})
		for _, greedy := range []string{"a", "b"} {
			for range 50 {
				go func() { _, _ = operation(t, g, greedy, 3*time.Second) }()
			}
		}
		synctest.Wait()
		var waits []time.Duration
		for range 200 {
			wait, err := operation(t, g, "polite", 5*time.Millisecond)
			if err != nil {
				t.Errorf("after %v: %v", wait, err)
			}
			waits = append(waits, wait)
			time.Sleep(45 * time.Millisecond)
		}
		slices.Sort(waits)
		if median := waits[len(waits)/2]; median > 3*time.Second/2 {
			t.Errorf("the median wait is %v", median)
		}
		time.Sleep(10 * time.Minute)
	})
}

func TestAnOrganizationThatOthersCrowdOutGets503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 1, MaxWait: 3 * time.Second})
		if _, err := operation(t, g, "e", time.Second); err != nil {
			t.Fatal(err)
		}
		for _, organization := range []string{"a", "b", "c", "d"} {
			go func() { _, _ = operation(t, g, organization, time.Second) }()
			synctest.Wait()
		}
		_, err := operation(t, g, "e", time.Second)
		var overload *deployments.OverloadError
		if !errors.As(err, &overload) || overload.OwnShare {
			t.Errorf("an organization without operations: got %v, %+v", err, overload)
		}
		time.Sleep(time.Minute)
	})
}

func TestWaitingEndsWithTheContextAndAtMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 1, MaxWait: 2 * time.Second})
		release, err := g.Acquire(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := g.Acquire(ctx, "acme"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		var overload *deployments.OverloadError
		if _, err := g.Acquire(t.Context(), "acme"); !errors.As(err, &overload) || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		release()
		release() // a second call does nothing
		if wait, err := operation(t, g, "acme", 0); err != nil || wait > 0 {
			t.Errorf("waited %v, %v", wait, err)
		}
	})
}

// Operations of random organizations begin, wait, give up and end. Never more than the places run, and no place is lost.
func TestNoPlaceIsLostOrGivenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		const places, each = 5, 3
		g := admission.NewGate(admission.Options{Places: places, PlacesEach: each, MaxWait: 3 * time.Second})
		var mu sync.Mutex
		running := map[string]int{}
		var operations sync.WaitGroup
		for range 5000 {
			organization := string(rune('a' + random.IntN(8)))
			begin, patience, hold := time.Duration(random.IntN(60_000))*time.Millisecond, time.Duration(random.IntN(5000))*time.Millisecond, time.Duration(random.IntN(200))*time.Millisecond
			operations.Go(func() {
				time.Sleep(begin)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				release, err := g.Acquire(ctx, organization)
				if err != nil {
					return
				}
				mu.Lock()
				running[organization]++
				total := 0
				for _, n := range running {
					total += n
				}
				if running[organization] > each || total > places {
					t.Errorf("%v run", running)
				}
				mu.Unlock()
				time.Sleep(hold)
				mu.Lock()
				running[organization]--
				mu.Unlock()
				release()
			})
		}
		operations.Wait()
		var all []func()
		for range places {
			release, err := g.Acquire(t.Context(), string(rune('a'+len(all))))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, release)
		}
		for _, release := range slices.Backward(all) {
			release()
		}
	})
}

// One place, as for the writers of an SQLite database. An organization that keeps it for long is served after all operations of
// another one, until these have used it as long.
func TestTheOrganizationThatUsedThePlacesLeastIsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 1, MaxWait: time.Minute})
		var served atomic.Int32
		for range 4 {
			go func() {
				for range 20 {
					if _, err := operation(t, g, "greedy", time.Second); err != nil {
						t.Error(err)
					}
					served.Add(1)
				}
			}()
		}
		time.Sleep(500 * time.Millisecond)
		var polite sync.WaitGroup
		for range 200 { // 20 a second for ten seconds
			polite.Go(func() {
				if wait, err := operation(t, g, "polite", 10*time.Millisecond); err != nil || wait > 1300*time.Millisecond {
					t.Errorf("waited %v, %v", wait, err)
				}
			})
			time.Sleep(50 * time.Millisecond)
		}
		polite.Wait()
		if n := served.Load(); n < 7 || n > 10 { // the polite organization used two of the ten seconds
			t.Errorf("%d greedy operations were served", n)
		}
		time.Sleep(2 * time.Minute)
	})
}

// An organization that was idle has no credit from that time.
func TestIdleTimeGivesNoCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 1})
		for range 1000 {
			if _, err := operation(t, g, "busy", time.Second); err != nil {
				t.Fatal(err)
			}
		}
		var busy, late atomic.Int32
		for organization, n := range map[string]*atomic.Int32{"busy": &busy, "late": &late} {
			for range 100 {
				go func() {
					if _, err := operation(t, g, organization, time.Second); err == nil {
						n.Add(1)
					}
				}()
			}
		}
		time.Sleep(100*time.Second + time.Millisecond)
		if b, l := busy.Load(), late.Load(); b < 45 || l < 45 {
			t.Errorf("%d operations of the busy organization and %d of the other one were served", b, l)
		}
		time.Sleep(time.Hour)
	})
}

func TestMoreThanMaxWaitingAreRejectedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, PlacesEach: 1, MaxWaiting: 3})
		for range 4 {
			go func() { _, _ = operation(t, g, "greedy", time.Second) }()
		}
		synctest.Wait()
		for name, check := range map[string]func() error{
			"Check":   func() error { return g.Check("greedy") },
			"Acquire": func() error { _, err := g.Acquire(t.Context(), "greedy"); return err },
		} {
			var overload *deployments.OverloadError
			if err := check(); !errors.As(err, &overload) || !overload.OwnShare {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if err := g.Check("modest"); err != nil {
			t.Error(err)
		}
		if wait, err := operation(t, g, "modest", 0); err != nil || wait > 0 {
			t.Errorf("waited %v, %v", wait, err)
		}
		time.Sleep(time.Minute)
	})
}

func TestAPlaceIsGivenToAnotherOperationAfterMaxHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.NewGate(admission.Options{Places: 2, PlacesEach: 1, MaxHold: 3 * time.Second})
		go func() { _, _ = operation(t, g, "acme", time.Minute) }()
		synctest.Wait()
		if wait, err := operation(t, g, "acme", 3*time.Second); err != nil || wait != 3*time.Second {
			t.Errorf("waited %v, %v", wait, err)
		}
		if wait, err := operation(t, g, "acme", 0); err != nil || wait > 0 {
			t.Errorf("waited %v, %v", wait, err)
		}
		time.Sleep(time.Hour) // the first operation returns a place that it does not have any more
		for range 2 {
			go func() { _, _ = operation(t, g, "acme", time.Second) }()
		}
		synctest.Wait()
		if g.Stats().Waiting != 1 {
			t.Errorf("%d operations wait, want 1", g.Stats().Waiting)
		}
		time.Sleep(time.Hour)
	})
}
