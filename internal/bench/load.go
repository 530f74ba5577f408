package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// clients are those of a load, each with a connection of its own.
type clients struct {
	// ask has a client ask for one thing and wait for the answer.
	ask []func() error
	// close closes the connections.
	close func()
}

// clients opens so many connections to the server. next gives a connection's requests, which it may change between
// them. The caller closes them.
func (s *server) clients(ctx context.Context, count int, next func(connection int) func() []byte) (*clients, error) {
	var all []*connection
	opened := &clients{close: func() {
		for _, c := range all {
			c.close()
		}
	}}
	for i := range count {
		c, err := dial(ctx, s.address)
		if err != nil {
			opened.close()
			return nil, err
		}
		all = append(all, c)
		request := next(i)
		opened.ask = append(opened.ask, func() error { return c.do(request(), nil) })
	}
	return opened, nil
}

// always asks one thing.
func always(request []byte) func(int) func() []byte {
	return func(int) func() []byte { return func() []byte { return request } }
}

// saturate has each client ask again as soon as it is answered, for the span, and gives how many were answered a
// second.
func saturate(ctx context.Context, c *clients, span time.Duration) (float64, error) {
	var (
		group    sync.WaitGroup
		answered atomic.Int64
		errs     = make([]error, len(c.ask))
	)
	start := time.Now()
	for i, ask := range c.ask {
		group.Go(func() {
			for time.Since(start) < span && ctx.Err() == nil {
				if errs[i] = ask(); errs[i] != nil {
					return
				}
				answered.Add(1)
			}
		})
	}
	group.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return 0, fmt.Errorf("under load: %w", err)
	}
	return float64(answered.Load()) / time.Since(start).Seconds(), nil
}

// arrive sends requests at random moments (a Poisson process), so many a second on average, whether those before are
// answered or not, and gives how long each took, in seconds. That none arrives in a short span is an error: it has no
// middle and no slowest.
//
// A request that found no free client has waited since the moment it arrived. One that found one counts from when
// it was sent: that this process woke up late is not the server's.
func arrive(ctx context.Context, c *clients, rate float64, span time.Duration) ([]float64, error) {
	random := rand.New(rand.NewPCG(1, 1))
	var moments []time.Duration
	for at := 0.0; ; {
		if at += random.ExpFloat64() / rate; at >= span.Seconds() {
			break
		}
		moments = append(moments, time.Duration(at*float64(time.Second)))
	}
	if len(moments) == 0 {
		return nil, fmt.Errorf("no request arrived in %s at %.3g requests a second", span, rate)
	}
	var (
		group sync.WaitGroup
		next  atomic.Int64
		took  = make([]float64, len(moments))
		errs  = make([]error, len(c.ask))
	)
	defer withoutCollecting()()
	start := time.Now()
	for i, ask := range c.ask {
		group.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= int64(len(moments)) {
					return
				}
				arrived := start.Add(moments[n])
				if early := time.Until(arrived); early > 0 {
					time.Sleep(early)
					arrived = time.Now()
				}
				if errs[i] = ask(); errs[i] != nil {
					return
				}
				took[n] = time.Since(arrived).Seconds()
			}
		})
	}
	group.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, fmt.Errorf("under load: %w", err)
	}
	return took, nil
}

// withoutCollecting leaves this process's garbage until the function that it gives is called. The load shares the
// processors with the server: what a collection here keeps waiting would count as the server's.
func withoutCollecting() (collect func()) {
	runtime.GC()
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}
