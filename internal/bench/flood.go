package bench

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// flood is a load that ignores what it is answered: every client sends its next request at once.
type flood struct {
	stop func()

	mu        sync.Mutex
	latencies map[int][]float64 // in seconds, by status; 0 stands for a broken connection
}

// startFlood starts clients of the server. The caller calls stop, which waits for them.
func (s *server) startFlood(ctx context.Context, count int, request []byte) *flood {
	ctx, cancel := context.WithCancel(ctx)
	f := &flood{latencies: make(map[int][]float64)}
	var group sync.WaitGroup
	for range count {
		group.Go(func() {
			for ctx.Err() == nil {
				f.client(ctx, s, request)
			}
		})
	}
	f.stop = func() { cancel(); group.Wait() }
	return f
}

// wait lasts for the duration, and then until the server has accepted a request: a busy machine may accept none before.
func (f *flood) wait(ctx context.Context, duration time.Duration) error {
	time.Sleep(duration)
	for end := time.Now().Add(time.Minute); ctx.Err() == nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		accepted := len(f.accepted())
		f.mu.Unlock()
		if accepted > 0 {
			return nil
		}
	}
	return cmp.Or(ctx.Err(), errors.New("no request was accepted"))
}

// client sends requests on one connection until it breaks.
func (f *flood) client(ctx context.Context, s *server, request []byte) {
	c, err := dial(ctx, s.address)
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return
	}
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	defer c.Close()
	for ctx.Err() == nil {
		start := time.Now()
		status, err := c.exchange(request, func(int) io.Writer { return io.Discard })
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			status = 0
		}
		f.mu.Lock()
		f.latencies[status] = append(f.latencies[status], time.Since(start).Seconds())
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// accepted returns the latencies of the requests that the server answered with a 200, and rejected those of 429 and 503.
func (f *flood) accepted() []float64 { return f.latencies[http.StatusOK] }

func (f *flood) rejected() []float64 {
	return append(f.latencies[http.StatusTooManyRequests], f.latencies[http.StatusServiceUnavailable]...)
}
