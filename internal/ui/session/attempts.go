package session

import (
	"net"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// The failed logins of one address: as many at once as failures, then one each interval.
const (
	failures     = 10
	interval     = 30 * time.Second
	maxAddresses = 16 << 10
)

// Attempts limits failed logins by address. It is safe for concurrent use.
type Attempts struct {
	mu        sync.Mutex
	addresses *lru.Cache[string, *rate.Limiter]
}

// NewAttempts returns Attempts without any failure.
func NewAttempts() *Attempts {
	addresses, err := lru.New[string, *rate.Limiter](maxAddresses)
	if err != nil {
		panic(err) // maxAddresses is positive
	}
	return &Attempts{addresses: addresses}
}

// Fail counts a failed login of the address (host:port). It returns 0, or how long the address must wait if there were too many.
// Tokens that are accepted do not pass it: all people behind a proxy have one address.
func (a *Attempts) Fail(address string) (wait time.Duration) {
	limiter := a.limiter(address)
	if limiter.Allow() {
		return 0
	}
	return time.Duration((1 - limiter.Tokens()) * float64(interval))
}

func (a *Attempts) limiter(address string) *rate.Limiter {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter, ok := a.addresses.Get(address)
	if !ok {
		limiter = rate.NewLimiter(rate.Every(interval), failures)
		a.addresses.Add(address, limiter)
	}
	return limiter
}
