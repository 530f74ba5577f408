package groupcommit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deployrecords/deployrecords/internal/store/groupcommit"
)

const (
	maxHold = time.Minute
	running = time.Second // of a group
)

// writers are writers of one test, whose numbers are their work. Numbers of the same remainder by 100 do not fit in one group.
type writers struct {
	t      *testing.T
	groups *groupcommit.Groups[int]
	mu     sync.Mutex
	ran    [][]int
}

func newWriters(t *testing.T) *writers {
	return &writers{t: t, groups: groupcommit.New(groupcommit.Options[int]{
		Alone: 1, Size: 5, MaxHold: maxHold,
		Fits: func(group []int, n int) bool {
			return !slices.ContainsFunc(group, func(other int) bool { return other%100 == n%100 })
		},
	})}
}

// arrive starts a writer, and returns after it has joined a group. Its group ends after the time.
func (w *writers) arrive(ctx context.Context, n int, running time.Duration) (result <-chan error) {
	returned := make(chan error, 1)
	go func() {
		returned <- w.groups.Join(ctx, "acme", n, func(ctx context.Context, group []int) {
			w.mu.Lock()
			w.ran = append(w.ran, group)
			w.mu.Unlock()
			select {
			case <-time.After(running):
			case <-ctx.Done():
			}
		})
	}()
	synctest.Wait()
	return returned
}

// succeeds waits for the end of a writer's group.
func (w *writers) succeeds(result <-chan error) {
	w.t.Helper()
	if err := <-result; err != nil {
		w.t.Error(err)
	}
}

func (w *writers) want(groups ...[]int) {
	w.t.Helper()
	time.Sleep(time.Hour)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.EqualFunc(w.ran, groups, slices.Equal) {
		w.t.Errorf("the groups were %v, want %v", w.ran, groups)
	}
}

func TestThoseThatArriveWhileAGroupRunsAreTheNextGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		for n := range 4 {
			w.arrive(t.Context(), n, running)
		}
		w.want([]int{0}, []int{1, 2, 3})
	})
}

// Clients that send one request after the other get into one group, if they take less than a quarter of its time to come back.
func TestWritersThatComeBackAreOneGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		began := time.Now()
		first, second := w.arrive(t.Context(), 0, running), w.arrive(t.Context(), 1, running)
		w.succeeds(first)
		time.Sleep(running / 10)
		first = w.arrive(t.Context(), 2, running)
		w.succeeds(first)
		w.succeeds(second)
		time.Sleep(running / 10)
		first = w.arrive(t.Context(), 3, running)
		time.Sleep(running / 20)
		second = w.arrive(t.Context(), 4, running)
		w.succeeds(first)
		w.succeeds(second)
		if took := time.Since(began); took != 3*running+running/10+running/10+running/20 {
			t.Errorf("three groups took %v", took)
		}
		w.want([]int{0}, []int{1, 2}, []int{3, 4})
	})
}

func TestAGroupWaitsForThoseThatDoNotComeBackForAQuarterOfTheTimeBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		first, second := w.arrive(t.Context(), 0, running), w.arrive(t.Context(), 1, running)
		w.succeeds(first)
		began := time.Now()
		w.succeeds(second)
		if took := time.Since(began); took != running+running/4 {
			t.Errorf("the second group took %v", took)
		}
		time.Sleep(running)
		began = time.Now()
		if w.succeeds(w.arrive(t.Context(), 2, running)); time.Since(began) != running {
			t.Errorf("a writer that nobody is expected with waited %v", time.Since(began)-running)
		}
		w.want([]int{0}, []int{1}, []int{2})
	})
}

// So many writers as may run alone wait for nothing. The next ones wait until all of these have ended.
func TestAFewWritersRunBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		w.groups = groupcommit.New(groupcommit.Options[int]{Alone: 2, Size: 5, MaxHold: maxHold, Fits: func([]int, int) bool { return true }})
		began := time.Now()
		short, long := w.arrive(t.Context(), 0, running), w.arrive(t.Context(), 1, 2*running)
		first, second := w.arrive(t.Context(), 2, running), w.arrive(t.Context(), 3, running)
		w.succeeds(short)
		returned := w.arrive(t.Context(), 4, running)
		if took := time.Since(began); took != running {
			t.Errorf("the first writer took %v", took)
		}
		w.succeeds(long)
		for _, result := range []<-chan error{first, second, returned} {
			w.succeeds(result)
		}
		if took := time.Since(began); took != 2*running+2*running/4+running {
			t.Errorf("all of them took %v", took)
		}
		// Nobody is expected any more, so writers run beside each other again.
		time.Sleep(running)
		began = time.Now()
		for _, result := range []<-chan error{w.arrive(t.Context(), 5, running), w.arrive(t.Context(), 6, running)} {
			w.succeeds(result)
		}
		if took := time.Since(began); took != running {
			t.Errorf("two writers took %v", took)
		}
		w.want([]int{0}, []int{1}, []int{2, 3, 4}, []int{5}, []int{6})
	})
}

func TestAWriterThatMeetsNoOtherWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		began := time.Now()
		for n := range 3 {
			if err := <-w.arrive(t.Context(), n, running); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 3*running {
			t.Errorf("three writers took %v", took)
		}
		w.want([]int{0}, []int{1}, []int{2})
	})
}

func TestAWriterThatDoesNotFitIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		for _, n := range []int{0, 1, 2} {
			w.arrive(t.Context(), n, running)
		}
		began := time.Now()
		if err := <-w.arrive(t.Context(), 101, running); err != nil || time.Since(began) > 0 {
			t.Errorf("one that meets another: waited %v, %v", time.Since(began), err)
		}
		for _, n := range []int{3, 4, 5} {
			w.arrive(t.Context(), n, running)
		}
		if err := <-w.arrive(t.Context(), 6, running); err != nil || time.Since(began) > 0 {
			t.Errorf("one more than the size: waited %v, %v", time.Since(began), err)
		}
		w.want([]int{0}, []int{1, 2, 3, 4, 5})
	})
}

// A group that is full waits for nobody, and one whose writers have come back without joining it does not wait for them.
func TestNobodyIsExpectedWhoCannotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		w.arrive(t.Context(), 0, running)
		var second []<-chan error
		for n := range 5 {
			second = append(second, w.arrive(t.Context(), n, running)) // as many as a group has
		}
		time.Sleep(running / 2)
		began := time.Now()
		for _, result := range second {
			w.succeeds(result)
		}
		// Five are expected again.
		third := w.arrive(t.Context(), 10, running)
		for range 4 {
			w.succeeds(w.arrive(t.Context(), 110, running))
		}
		w.succeeds(third)
		if took := time.Since(began); took != running/2+running+running {
			t.Errorf("took %v", took)
		}
		w.want([]int{0}, []int{0, 1, 2, 3, 4}, []int{10})
	})
}

func TestAGroupThatHangsHoldsUpTheNextForAWhileOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		hanging, hang := context.WithTimeout(t.Context(), 10*maxHold)
		defer hang()
		w.arrive(hanging, 0, time.Hour)
		next := w.arrive(t.Context(), 1, running)
		began := time.Now()
		if err := <-next; err != nil || time.Since(began) != maxHold+running {
			t.Errorf("took %v, %v", time.Since(began), err)
		}
		// The end of the first group does not let another one run beside the third.
		time.Sleep(8*maxHold + maxHold/2)
		w.arrive(t.Context(), 2, maxHold)
		time.Sleep(maxHold / 2)
		w.arrive(t.Context(), 3, running)
		w.arrive(t.Context(), 4, running)
		w.want([]int{0}, []int{1}, []int{2}, []int{3, 4})
	})
}

func TestAWriterThatGivesUpLeavesItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		leaves, leave := context.WithCancel(t.Context())
		w.arrive(t.Context(), 0, running)
		w.arrive(t.Context(), 1, running)
		returned := w.arrive(leaves, 2, running)
		w.arrive(t.Context(), 3, running)
		leave()
		if err := <-returned; !errors.Is(err, context.Canceled) {
			t.Errorf("it got %v", err)
		}
		w.want([]int{0}, []int{1, 3})
	})
}

func TestALeaderThatGivesUpEndsItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		leaves, leave := context.WithCancel(t.Context())
		w.arrive(t.Context(), 0, running)
		returned := w.arrive(leaves, 1, running)
		left := w.arrive(t.Context(), 2, running)
		leave()
		if err := <-returned; !errors.Is(err, context.Canceled) {
			t.Errorf("it got %v", err)
		}
		if err := <-left; err != nil {
			t.Errorf("its group got %v", err)
		}
		w.arrive(t.Context(), 3, running)
		w.want([]int{0}, []int{3})
	})
}

func TestAGroupRunsUntilAllOfItHaveGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		w.arrive(t.Context(), 0, running)
		short, cancelShort := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancelShort()
		long, cancelLong := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancelLong()
		began := time.Now()
		leader := w.arrive(short, 1, maxHold)
		other := w.arrive(long, 2, maxHold)
		if err := <-other; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the other one got %v", err)
		}
		if err := <-leader; err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("the leader got %v after %v", err, time.Since(began))
		}
		w.want([]int{0}, []int{1, 2})
	})
}

// The end of an earlier wait does not touch later writers.
func TestAWaitEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		w.arrive(t.Context(), 0, running)
		first, second := w.arrive(t.Context(), 1, running), w.arrive(t.Context(), 2, running)
		w.succeeds(first)
		w.succeeds(second)
		// Two are expected for a quarter of the time. One comes back without joining the other, which runs alone.
		alone := w.arrive(t.Context(), 3, running/20)
		w.succeeds(w.arrive(t.Context(), 103, running))
		w.succeeds(alone)
		w.arrive(t.Context(), 4, running)
		time.Sleep(running / 2)
		w.arrive(t.Context(), 5, running)
		w.arrive(t.Context(), 6, running)
		w.want([]int{0}, []int{1, 2}, []int{3}, []int{4}, []int{5, 6})
	})
}

func TestOrganizationsDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t)
		w.arrive(t.Context(), 0, running)
		began := time.Now()
		err := w.groups.Join(t.Context(), "umbrella", 1, func(context.Context, []int) {})
		if err != nil || time.Since(began) > 0 {
			t.Errorf("waited %v, %v", time.Since(began), err)
		}
	})
}
