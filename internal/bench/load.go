package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// dialAll opens so many connections. The caller closes them.
func dialAll(ctx context.Context, address string, count int) ([]*connection, error) {
	var all []*connection
	for range count {
		c, err := dial(ctx, address)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func closeAll(all []*connection) {
	for _, c := range all {
		c.close()
	}
}

// saturate has each connection ask again as soon as it is answered, for the span, and gives how many were answered a
// second. next gives a connection's requests, which it may change between them.
func saturate(ctx context.Context, s *server, connections int, span time.Duration, next func(connection int) func() []byte) (float64, error) {
	all, err := dialAll(ctx, s.address, connections)
	if err != nil {
		return 0, err
	}
	defer closeAll(all)
	var (
		group    sync.WaitGroup
		answered atomic.Int64
		errs     = make([]error, connections)
	)
	start := time.Now()
	for i, c := range all {
		group.Go(func() {
			request := next(i)
			for time.Since(start) < span && ctx.Err() == nil {
				if errs[i] = c.do(request(), nil); errs[i] != nil {
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

// always asks one thing.
func always(request []byte) func(int) func() []byte {
	return func(int) func() []byte { return func() []byte { return request } }
}

// arrive sends requests at random moments (a Poisson process), so many a second on average, whether those before are
// answered or not, and gives how long each took, in seconds.
//
// A request that found no free connection has waited since the moment it arrived. One that found one counts from when
// it was sent: that this process woke up late is not the server's.
func arrive(ctx context.Context, s *server, connections int, rate float64, span time.Duration, request []byte) ([]float64, error) {
	random := rand.New(rand.NewPCG(1, 1))
	var moments []time.Duration
	for at := 0.0; ; {
		if at += random.ExpFloat64() / rate; at >= span.Seconds() {
			break
		}
		moments = append(moments, time.Duration(at*float64(time.Second)))
	}
	all, err := dialAll(ctx, s.address, connections)
	if err != nil {
		return nil, err
	}
	defer closeAll(all)
	var (
		group sync.WaitGroup
		next  atomic.Int64
		took  = make([]float64, len(moments))
		errs  = make([]error, connections)
	)
	start := time.Now()
	for i, c := range all {
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
				if errs[i] = c.do(request, nil); errs[i] != nil {
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
