// Package groupcommit forms groups of writers that share a transaction.
//
// A few writers run beside each other, each alone, and wait for nothing. Those that arrive meanwhile join a group. The first of them
// leads it: it waits until nobody runs, and then does the work of all. After a group has ended, the next one waits a little for the
// writers that were there, which may come back with more work: a few large groups do less work than many small ones.
package groupcommit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Groups coordinates group commit, separately for each organization. V is the work of one writer. It is safe for concurrent use.
type Groups[V any] struct {
	options Options[V]
	mu      sync.Mutex
	lanes   map[string]*lane[V]
}

// Options configures Groups.
type Options[V any] struct {
	// Alone is the number of writers that run at once, each alone, before others form a group. It is at least 1.
	Alone int
	// Size is the maximum number of writers in a group.
	Size int
	// MaxHold is the time after which the next group runs although one has not ended: that one waits for a lock or for the database.
	MaxHold time.Duration
	// Fits reports whether a writer may join a group.
	Fits func(group []V, writer V) bool
}

// lane has the groups of one organization. It exists while it has a writer or expects some.
type lane[V any] struct {
	writers int
	// running is the number of groups that run: one of several writers, or a few of one writer each.
	running int
	// hasSeveral is set while the group that runs has several writers.
	hasSeveral bool
	// open is the group that writers may join, or nil.
	open *group[V]
	// expected is the number of writers for which the open group waits, for a while after the end of the one before.
	expected int
	// released counts how often the last group that ran has ended. A timer of before then changes nothing.
	released int
}

// A group waits for the writers of the one before at most 1/gatherShare of the time that the one before took.
const gatherShare = 4

type group[V any] struct {
	members []member[V]
	// started is closed when the group may run, and done when it has.
	started, done chan struct{}
}

type member[V any] struct {
	ctx   context.Context
	value V
}

// New returns Groups without a writer.
func New[V any](o Options[V]) *Groups[V] {
	return &Groups[V]{options: o, lanes: make(map[string]*lane[V])}
}

// Join makes a writer the member of a group, and returns when the group is done. It returns at once if the writer does not
// fit in the open group, and the error of ctx if that ends before. The leader calls run with its group, whose context ends
// when those of all members have. A group whose leader's context ends before it starts is done without run, and so is a member
// whose context does. The caller sees from its writer whether run has done the work.
func (g *Groups[V]) Join(ctx context.Context, organization string, writer V, run func(ctx context.Context, group []V)) error {
	l, joined, leads := g.enter(ctx, organization, writer)
	defer g.leave(organization, l)
	switch {
	case joined == nil:
		return nil
	case leads:
		return g.lead(ctx, organization, l, joined, run)
	}
	select {
	case <-joined.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting returns the number of writers in the group of an organization that has not started.
func (g *Groups[V]) Waiting(organization string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.lanes[organization]; l != nil {
		return g.waiting(l)
	}
	return 0
}

func (g *Groups[V]) waiting(l *lane[V]) int {
	if l.open == nil {
		return 0
	}
	return len(l.open.members)
}

// enter returns the group that the writer has joined, or nil, and whether the writer leads it.
func (g *Groups[V]) enter(ctx context.Context, organization string, writer V) (l *lane[V], joined *group[V], leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l = g.lanes[organization]
	if l == nil {
		l = &lane[V]{}
		g.lanes[organization] = l
	}
	l.writers++
	if l.open == nil {
		l.open = &group[V]{started: make(chan struct{}), done: make(chan struct{})}
		leads = true
	} else if len(l.open.members) == g.options.Size || !g.options.Fits(valuesOf(l.open.members), writer) {
		l.expected = max(l.expected-1, 0) // it has come back, though not to this group
		g.startNext(l)
		return l, nil, false
	}
	joined = l.open
	joined.members = append(joined.members, member[V]{ctx, writer})
	if leads && l.expected == 0 && !l.hasSeveral && l.running < g.options.Alone {
		g.start(l)
	} else {
		g.startNext(l)
	}
	return l, joined, leads
}

func (g *Groups[V]) leave(organization string, l *lane[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.writers--
	g.forget(organization, l)
}

// forget removes a lane without writers.
func (g *Groups[V]) forget(organization string, l *lane[V]) {
	if l.writers == 0 && l.expected == 0 {
		delete(g.lanes, organization)
	}
}

// startNext starts the open group if nobody runs and enough writers have joined.
func (g *Groups[V]) startNext(l *lane[V]) {
	if l.open != nil && l.running == 0 && len(l.open.members) >= l.expected {
		g.start(l)
	}
}

// start starts the open group.
func (g *Groups[V]) start(l *lane[V]) {
	l.hasSeveral = len(l.open.members) > 1
	l.running++
	l.expected = 0
	close(l.open.started)
	l.open = nil
}

// lead runs a group when it has started, or returns the error of ctx if that ends before.
func (g *Groups[V]) lead(ctx context.Context, organization string, l *lane[V], led *group[V], run func(ctx context.Context, group []V)) error {
	defer close(led.done)
	select {
	case <-led.started:
	case <-ctx.Done():
		if g.abandon(l, led) {
			return ctx.Err()
		}
	}
	defer g.begin(organization, l, len(led.members))()
	members := slices.DeleteFunc(led.members, func(m member[V]) bool { return m.ctx.Err() != nil })
	if len(members) > 0 {
		shared, cancel := contextOf(members)
		defer cancel()
		run(shared, valuesOf(members))
	}
	return nil
}

// abandon closes a group unless it has started.
func (g *Groups[V]) abandon(l *lane[V], led *group[V]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.open != led {
		return false
	}
	l.open = nil
	return true
}

// begin returns a function to call when a group of so many members has ended. After MaxHold, the next group does not wait for
// that.
func (g *Groups[V]) begin(organization string, l *lane[V], members int) (end func()) {
	began := time.Now()
	var once sync.Once
	timer := time.AfterFunc(g.options.MaxHold, func() { once.Do(func() { g.release(organization, l, 0, 0) }) })
	return func() {
		timer.Stop()
		once.Do(func() { g.release(organization, l, members, time.Since(began)/gatherShare) })
	}
}

// release counts a group as ended. If nobody runs then, the next group starts when so many writers as return have joined those that
// wait, or after the time to gather.
func (g *Groups[V]) release(organization string, l *lane[V], returning int, gather time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.running--; l.running > 0 {
		return
	}
	l.hasSeveral = false
	l.released++
	if l.expected = min(returning+g.waiting(l), g.options.Size); l.expected == 1 {
		l.expected = 0 // one writer gains nothing from a wait
	}
	g.startNext(l)
	if l.expected == 0 {
		return
	}
	released := l.released
	time.AfterFunc(gather, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.released == released {
			l.expected = 0
			g.startNext(l)
			g.forget(organization, l)
		}
	})
}

func valuesOf[V any](members []member[V]) []V {
	values := make([]V, len(members))
	for i, m := range members {
		values[i] = m.value
	}
	return values
}

// contextOf returns the context of a member that is alone, or one with the values of the first that ends when those of all
// members have.
func contextOf[V any](members []member[V]) (context.Context, context.CancelFunc) {
	if len(members) == 1 {
		return members[0].ctx, func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(members[0].ctx))
	var live atomic.Int64
	live.Store(int64(len(members)))
	stops := make([]func() bool, len(members))
	for i, m := range members {
		stops[i] = context.AfterFunc(m.ctx, func() {
			if live.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
