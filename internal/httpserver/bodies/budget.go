package bodies

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/api"
)

// Budget limits the bytes of request bodies that are held at once. A body takes bytes as they arrive, so a slow sender
// holds what it has sent, and releases them when its request ends.
//
// An organization may hold half of the limit: the others then always find room for their recordings. A body that finds no
// other one may exceed both limits, so that a body of any permitted size is accepted at some time.
//
// Large bodies also pass a gate, because decoding and recording them takes long.
type Budget struct {
	limit int64
	large *admission.Gate

	mu            sync.Mutex
	held          int64
	organizations map[string]int64
}

// NewBudget returns a budget of so many bytes, whose large bodies pass a gate.
func NewBudget(limit int64, large *admission.Gate) *Budget {
	return &Budget{limit: limit, large: large, organizations: make(map[string]int64)}
}

// Held is what one body holds of a budget.
type Held struct {
	budget       *Budget
	organization string
	bytes        int64
	// leave returns the place of a large body, or is nil.
	leave func()
	// alone reports that no other body was held when the first byte arrived.
	alone bool
}

// Body returns a body of the organization that holds nothing yet.
func (b *Budget) Body(organization string) *Held {
	return &Held{budget: b, organization: organization}
}

// LargeBytes is the size from which a body is large: decoding fewer bytes takes less than a few milliseconds.
const LargeBytes = 64 << 10

// admit waits for a place if the body is large. The place is not held while a client sends: the body is received before, and
// one whose organization fills its share is rejected before it is received. It returns a *deployments.OverloadError or the
// error of ctx; source.err has an error of receiving.
func (h *Held) admit(ctx context.Context, source *textSource) (err error) {
	gate := h.budget.large
	if source.length > LargeBytes {
		if err := gate.Check(h.organization); err != nil {
			return err
		}
	}
	if source.receive(LargeBytes + 1); len(source.text) <= LargeBytes {
		return nil
	}
	if source.receive(math.MaxInt); source.ended {
		h.leave, err = gate.Acquire(ctx, h.organization)
	}
	return err
}

// retryAfter is the time after which a client should send a body again that found no room.
const retryAfter = time.Second

// Grow takes more bytes, or returns a 503.
func (h *Held) Grow(bytes int) error {
	b, n := h.budget, int64(bytes)
	b.mu.Lock()
	defer b.mu.Unlock()
	h.alone = h.alone || b.held == 0
	if !h.alone && (b.held+n > b.limit || b.organizations[h.organization]+n > b.limit/2) {
		return &api.Problem{
			Status:     http.StatusServiceUnavailable,
			Message:    "the server holds too many request bodies, try again",
			RetryAfter: retryAfter,
		}
	}
	h.bytes += n
	b.held += n
	b.organizations[h.organization] += n
	return nil
}

// Release returns the bytes of the body to the budget, and its place. Further calls have no effect.
func (h *Held) Release() {
	if h.leave != nil {
		h.leave()
	}
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= h.bytes
	if b.organizations[h.organization] -= h.bytes; b.organizations[h.organization] == 0 {
		delete(b.organizations, h.organization)
	}
	h.bytes, h.alone = 0, false
}
