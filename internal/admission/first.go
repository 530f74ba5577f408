package admission

import (
	"context"
	"slices"
	"time"
)

// AcquireFirst waits for one of the places that the organization may have, before its operations of Acquire, for work that its
// operations have caused. It waits for no other organization and is never rejected: meanwhile, more operations may run than
// the gate has places. It returns the error of ctx. A gate that is nil has every place.
func (g *Gate) AcquireFirst(ctx context.Context, organization string) (release func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	w := &waiter{make(chan struct{})}
	g.mu.Lock()
	s := g.share(organization)
	g.shares[organization] = s
	s.first = append(s.first, w)
	g.admitFirst(s)
	g.mu.Unlock()
	select {
	case <-w.admitted:
		return g.hold(s, g.leaveFirst), nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.admitted: // the place came at the same moment
		g.release(s)
	default:
		s.first = slices.DeleteFunc(s.first, func(other *waiter) bool { return other == w })
		g.forget(s)
	}
	return nil, ctx.Err()
}

// admitFirst admits waiters of AcquireFirst to the places that the organization may have.
func (g *Gate) admitFirst(s *share) {
	for len(s.first) > 0 && s.running < g.options.PlacesEach {
		g.admit(s)
		close(s.first[0].admitted)
		s.first = s.first[1:]
	}
}

// leaveFirst returns a place of AcquireFirst, whose time does not count in the average of Acquire.
func (g *Gate) leaveFirst(s *share, held time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.use(s, held)
}
