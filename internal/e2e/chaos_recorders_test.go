package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

// recorders are clients that record without a pause, note each acknowledgement, and repeat a recording with its key until it is
// acknowledged.
type recorders struct {
	// servers returns the URLs of the servers, of which some may be down.
	servers func() []string
	bearer  string

	acknowledged, repeated, abandoned atomic.Int64
	stopped                           atomic.Bool
	group                             sync.WaitGroup

	mu       sync.Mutex
	attempts []*attempt
	// lastAck is when a recording was last acknowledged; longestGap is the longest time between two acknowledgements.
	lastAck    time.Time
	longestGap time.Duration
	// unexpected has the responses that no fault explains.
	unexpected map[string]int
}

func startRecorders(servers func() []string, bearer string, n int) *recorders {
	r := &recorders{servers: servers, bearer: bearer, lastAck: time.Now(), unexpected: make(map[string]int)}
	for number := range n {
		r.group.Go(func() { r.run(number) })
	}
	return r
}

// run records artifacts that no other recording names, into slots that it shares with the other recorders.
func (r *recorders) run(number int) {
	for n := 0; !r.stopped.Load(); n++ {
		a := &attempt{key: fmt.Sprintf("%d-%d", number, n), digest: storetest.Digest(1 + number*1_000_000 + n)}
		a.body = fmt.Sprintf(`{"environment_name":"env%d","logical_environment_name":"le%d","deployment_name":"slot%d","kind":"CONTAINER_IMAGE","artifact_digest":%q}`,
			n%2, number, n%3, a.digest)
		for giveUp := (time.Time{}); ; {
			if r.try(a) {
				break
			}
			if r.stopped.Load() && giveUp.IsZero() {
				giveUp = time.Now().Add(2 * time.Minute) // after the last fault
			}
			if !giveUp.IsZero() && time.Now().After(giveUp) {
				break
			}
			r.repeated.Add(1)
			time.Sleep(50*time.Millisecond + rand.N(100*time.Millisecond))
		}
		r.mu.Lock()
		r.attempts = append(r.attempts, a)
		r.mu.Unlock()
	}
}

// try sends the recording to one of the servers and reports whether it was acknowledged. A few clients do not wait for the
// response.
func (r *recorders) try(a *attempt) bool {
	servers := r.servers()
	if len(servers) == 0 {
		return false
	}
	patience := 20 * time.Second
	if rand.IntN(20) == 0 {
		patience = rand.N(10 * time.Millisecond)
		r.abandoned.Add(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	id, status, err := post(ctx, servers[rand.IntN(len(servers))], r.bearer, a)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch status {
	case http.StatusOK:
		if err != nil {
			r.unexpected[err.Error()]++
			return false
		}
		a.id = id
		r.acknowledged.Add(1)
		r.longestGap = max(r.longestGap, time.Since(r.lastAck))
		r.lastAck = time.Now()
		return true
	case 0, http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		r.unexpected[fmt.Sprintf("%d %v", status, err)]++
	}
	return false
}

// waitFor returns when n more recordings were acknowledged.
func (r *recorders) waitFor(t testing.TB, n int64, after string) {
	t.Helper()
	want := r.acknowledged.Load() + n
	for deadline := time.Now().Add(3 * time.Minute); r.acknowledged.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no recording was acknowledged for three minutes after %s", after)
		}
	}
}

// stop ends the recorders once their last recordings are acknowledged.
func (r *recorders) stop() {
	r.stopped.Store(true)
	r.group.Wait()
}
