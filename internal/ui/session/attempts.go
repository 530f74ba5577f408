package session

import (
	"net"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const maxAddresses = 16 << 10

// Attempts limits failed logins by address. It is safe for concurrent use.
type Attempts struct {
	most      int
	interval  time.Duration
	mu        sync.Mutex
	addresses *lru.Cache[string, *rate.Limiter]
}

// NewAttempts returns Attempts without any failure. An address may fail most times at once, then once each interval.
func NewAttempts(most int, interval time.Duration) *Attempts {
	addresses, err := lru.New[string, *rate.Limiter](maxAddresses)
	if err != nil {
		panic(err) // maxAddresses is positive
	}
	return &Attempts{most: most, interval: interval, addresses: addresses}
}

// Fail counts a failed login of the address (host:port). It returns 0, or how long the address must wait if there were too many.
// Tokens that are accepted do not pass it: all people behind a proxy have one address.
func (a *Attempts) Fail(address string) (wait time.Duration) {
	if a.limiter(address).Allow() {
		return 0
	}
	return a.Wait(address)
}

// Wait returns how long the address (host:port) must wait until it may fail again, or 0. It counts no failure.
func (a *Attempts) Wait(address string) time.Duration {
	missing := 1 - a.limiter(address).Tokens()
	return max(0, time.Duration(missing*float64(a.interval)))
}

func (a *Attempts) limiter(address string) *rate.Limiter {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter, ok := a.addresses.Get(address)
	if !ok {
		limiter = rate.NewLimiter(rate.Every(a.interval), a.most)
		a.addresses.Add(address, limiter)
	}
	return limiter
}
