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

// Wait returns how long the address (host:port) must wait before its next login, 0 if it need not.
func (a *Attempts) Wait(address string) time.Duration {
	tokens := a.limiter(address).Tokens()
	if tokens >= 1 {
		return 0
	}
	return time.Duration((1 - tokens) * float64(interval))
}

// Fail counts a failed login.
func (a *Attempts) Fail(address string) { a.limiter(address).Allow() }

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
