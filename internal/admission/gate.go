// Package admission bounds how many operations of a class run at once, and shares them among organizations.
//
// A Gate admits the waiting organization that has the fewest places, and among equals the one that has used them for the
// shortest time. The wait of an organization depends on the number of organizations, and not on how many operations another
// one has queued or how long they take. The gate rejects an operation at once that would wait too long.
package admission

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Gate admits a bounded number of operations. It is safe for concurrent use.
type Gate struct {
	options Options

	mu     sync.Mutex
	free   int
	shares map[string]*share
	// queue has the shares with waiting operations, those that have waited since the last admission first.
	queue []*share
	// usages has the organizations that had a place lately.
	usages *lru.Cache[string, usage]
	// now is the virtual time: the use of the organization that was admitted last.
	now time.Duration
	// rejectedForShare and rejectedForLoad count the rejections.
	rejectedForShare, rejectedForLoad int64
}

// usage is how an organization used its places.
type usage struct {
	// hold is a moving average of how long its operations keep their place.
	hold time.Duration
	// used is the time for which they had places, in virtual time: an organization that comes back starts at Gate.now, so
	// that idle time gives no credit.
	used time.Duration
}

// maxUsages is the number of organizations whose usage is kept.
const maxUsages = 4096

// Options configures a Gate.
type Options struct {
	// Places is the number of operations that run at once, at least 1.
	Places int
	// PlacesEach is the number of places that one organization may have; 0 is Places. With fewer, long operations of one
	// organization leave a place to the others.
	PlacesEach int
	// MaxWait is the time after which a waiting operation is rejected; 0 is no limit.
	MaxWait time.Duration
	// MaxWaiting is the number of waiting operations of one organization, beyond which they are rejected at once; 0 is no limit.
	MaxWaiting int
	// MaxHold is the time after which another operation gets the place of one that still runs; 0 is no limit. An operation that
	// takes so long is expected to wait for something else than processors.
	MaxHold time.Duration
}

// share is what one organization has of the gate. It exists while it has a running or a waiting operation.
type share struct {
	organization string
	usage        usage
	running      int
	// first are the waiters of AcquireFirst, and waiting those of Acquire.
	first, waiting []*waiter
}

// waiter is an operation that waits for a place. admitted is closed when it has one.
type waiter struct{ admitted chan struct{} }

// NewGate returns a gate.
func NewGate(o Options) *Gate {
	if o.PlacesEach == 0 {
		o.PlacesEach = o.Places
	}
	usages, err := lru.New[string, usage](maxUsages)
	if err != nil {
		panic(err) // maxUsages is positive
	}
	return &Gate{options: o, free: o.Places, shares: make(map[string]*share), usages: usages}
}

// Acquire waits for a place, which the caller returns by release. It returns the error of ctx, or a
// *deployments.OverloadError if the place would not be there within MaxWait.
func (g *Gate) Acquire(ctx context.Context, organization string) (release func(), err error) {
	s, w, err := g.enter(organization)
	if err != nil {
		return nil, err
	}
	if w != nil {
		if err := g.wait(ctx, s, w); err != nil {
			return nil, err
		}
	}
	return g.hold(s, g.leave), nil
}

// hold returns a function that returns the place of an admitted operation, which also happens after MaxHold.
func (g *Gate) hold(s *share, leave func(s *share, held time.Duration)) (release func()) {
	admitted := time.Now()
	once := sync.OnceFunc(func() { leave(s, time.Since(admitted)) })
	if g.options.MaxHold == 0 {
		return once
	}
	timer := time.AfterFunc(g.options.MaxHold, once)
	return func() { timer.Stop(); once() }
}

// Check returns the error with which Acquire would reject an operation of the organization now.
func (g *Gate) Check(organization string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.share(organization); !g.admits(s) {
		return g.reject(s)
	}
	return nil
}

// enter takes a free place, or joins the organization's queue and returns a waiter.
func (g *Gate) enter(organization string) (*share, *waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.share(organization)
	if g.admits(s) {
		g.shares[organization] = s
		g.admit(s)
		return s, nil, nil
	}
	if err := g.reject(s); err != nil {
		return nil, nil, err
	}
	g.shares[organization] = s
	w := &waiter{make(chan struct{})}
	if len(s.waiting) == 0 {
		g.queue = append(g.queue, s)
	}
	s.waiting = append(s.waiting, w)
	return s, w, nil
}

// share returns the share of an organization, or a new one.
func (g *Gate) share(organization string) *share {
	if s := g.shares[organization]; s != nil {
		return s
	}
	u, _ := g.usages.Get(organization)
	u.used = max(u.used, g.now)
	return &share{organization: organization, usage: u}
}

// admits reports whether the organization has a place for another operation at once.
func (g *Gate) admits(s *share) bool {
	return g.free > 0 && s.running < g.options.PlacesEach && len(s.waiting) == 0
}

// reject returns the rejection of another waiting operation of the share, or nil if it may wait.
func (g *Gate) reject(s *share) error {
	wait := g.expectedWait(s)
	if o := g.options; o.MaxWait > 0 && wait > o.MaxWait || o.MaxWaiting > 0 && len(s.waiting) >= o.MaxWaiting {
		return g.overload(s, wait)
	}
	return nil
}

// wait returns when the waiter has a place. After an error it has none.
func (g *Gate) wait(ctx context.Context, s *share, w *waiter) error {
	var expired <-chan time.Time
	if g.options.MaxWait > 0 {
		timer := time.NewTimer(g.options.MaxWait)
		defer timer.Stop()
		expired = timer.C
	}
	var err error
	select {
	case <-w.admitted:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-expired:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.admitted: // the place came at the same moment
		if err == nil {
			return nil
		}
		g.release(s)
	default:
		s.waiting = slices.DeleteFunc(s.waiting, func(other *waiter) bool { return other == w })
		if len(s.waiting) == 0 {
			g.queue = slices.DeleteFunc(g.queue, func(other *share) bool { return other == s })
		}
		g.forget(s)
	}
	if err == nil {
		err = g.overload(s, g.options.MaxWait)
	}
	return err
}

// leave returns a place that was held for a time.
func (g *Gate) leave(s *share, held time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.usage.hold == 0 {
		s.usage.hold = held
	}
	s.usage.hold += (held - s.usage.hold) / 8
	g.use(s, held)
}

func (g *Gate) use(s *share, held time.Duration) {
	s.usage.used += held
	g.usages.Add(s.organization, s.usage)
	g.release(s)
}

func (g *Gate) admit(s *share) {
	g.free--
	s.running++
	g.now = max(g.now, s.usage.used)
}

func (g *Gate) release(s *share) {
	g.free++
	s.running--
	g.admitFirst(s)
	g.dispatch()
	g.forget(s)
}

// dispatch admits waiting operations to the free places, the next one always of the organization that has the fewest places
// and has used the least.
func (g *Gate) dispatch() {
	for g.free > 0 && len(g.queue) > 0 {
		s := slices.MinFunc(g.queue, func(a, b *share) int {
			return cmp.Or(cmp.Compare(a.running, b.running), cmp.Compare(a.usage.used, b.usage.used))
		}) // the first of equals
		if s.running >= g.options.PlacesEach {
			return
		}
		g.queue = slices.DeleteFunc(g.queue, func(other *share) bool { return other == s })
		g.admit(s)
		close(s.waiting[0].admitted)
		if s.waiting = s.waiting[1:]; len(s.waiting) > 0 {
			g.queue = append(g.queue, s)
		}
	}
}

// forget drops the share of an organization without operations.
func (g *Gate) forget(s *share) {
	if s.running == 0 && len(s.first) == 0 && len(s.waiting) == 0 {
		delete(g.shares, s.organization)
	}
}

// expectedWait estimates how long a new operation of the share would wait: the organization's queue shrinks at the rate of an
// equal part of the places.
func (g *Gate) expectedWait(s *share) time.Duration {
	active := len(g.shares)
	if g.shares[s.organization] == nil {
		active++
	}
	places := min(float64(g.options.Places)/float64(active), float64(g.options.PlacesEach))
	return time.Duration(float64(len(s.waiting)+1) / places * float64(s.usage.hold))
}

// overload returns the rejection of an operation that would wait for a time. The organization fills its share if its other
// operations have, or wait for, an equal part of the places.
func (g *Gate) overload(s *share, wait time.Duration) error {
	equalPart := min(max(g.options.Places/max(len(g.shares), 1), 1), g.options.PlacesEach)
	fillsShare := s.running+len(s.waiting) >= equalPart
	if fillsShare {
		g.rejectedForShare++
	} else {
		g.rejectedForLoad++
	}
	return &deployments.OverloadError{OwnShare: fillsShare, RetryAfter: max(wait, time.Second)}
}
