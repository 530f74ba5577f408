package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Set has the faults of a server. It is safe for concurrent use.
type Set struct {
	seed       int64
	operations Operations

	mu     sync.Mutex
	added  int
	faults []*entry
	random *rand.Rand
	// ended is closed when the faults are removed, and ends the delays of running requests.
	ended    chan struct{}
	isClosed bool
}

// entry is a fault of a set.
type entry struct {
	Added
	// seen is how many matching requests there have been.
	seen int
}

// isUsedUp reports whether no more requests have the fault.
func (e *entry) isUsedUp() bool { return e.Fault.Times > 0 && e.Used >= e.Fault.Times }

// Added is a fault of a set with its state.
type Added struct {
	ID    string
	Fault Fault
	// Used is how many requests have had the fault.
	Used int
}

// NewSet returns a set without faults, for a server with these operations. The seed determines random delays.
func NewSet(seed int64, operations Operations) *Set {
	s := &Set{seed: seed, operations: operations, ended: make(chan struct{})}
	s.restart()
	return s
}

// restart makes ids and random delays begin again.
func (s *Set) restart() {
	s.added = 0
	s.random = rand.New(rand.NewPCG(uint64(s.seed), 0))
}

// maxFaults is the maximum number of faults of a set.
const maxFaults = 1000

// ErrTooMany reports a fault too many.
var ErrTooMany = errors.New("there are 1000 faults; remove some")

// ErrClosed reports that the server stops.
var ErrClosed = errors.New("the server stops")

// Check returns what is wrong with a fault, by the members of the control document.
func (s *Set) Check(f *Fault) []deployments.Violation {
	violations := f.check()
	if len(violations) == 0 && f.Kind == Status {
		return s.operations.check(f)
	}
	return violations
}

// Add adds a fault, which must be valid, after those that the set has. Beyond 1,000 faults it drops the first one that is used up,
// or returns ErrTooMany if there is none. It returns ErrClosed after Close.
func (s *Set) Add(f Fault) (Added, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return Added{}, ErrClosed
	}
	if len(s.faults) >= maxFaults {
		usedUp := slices.IndexFunc(s.faults, (*entry).isUsedUp)
		if usedUp < 0 {
			return Added{}, ErrTooMany
		}
		s.faults = slices.Delete(s.faults, usedUp, usedUp+1)
	}
	s.added++
	e := &entry{Added: Added{ID: fmt.Sprintf("fault-%d", s.added), Fault: f}}
	s.faults = append(s.faults, e)
	return e.Added, nil
}

// List returns the faults in the order of their addition.
func (s *Set) List() []Added {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Added, len(s.faults))
	for i, e := range s.faults {
		all[i] = e.Added
	}
	return all
}

// Remove removes a fault. It reports whether there was one with this id.
func (s *Set) Remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.faults)
	s.faults = slices.DeleteFunc(s.faults, func(e *entry) bool { return e.ID == id })
	return len(s.faults) < before
}

// Clear removes all faults and ends the delays of running requests. Ids are not used again.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *Set) clear() {
	s.faults = nil
	if !s.isClosed {
		close(s.ended)
		s.ended = make(chan struct{})
	}
}

// Close removes all faults and ends the delays of running requests, for a server that waits for its requests when it stops. The
// set gets no others.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.isClosed = true
}

// Reset makes the set as new: it clears the set, and ids and random delays begin again.
func (s *Set) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.restart()
}

// chosen is the fault of one request.
type chosen struct {
	Fault
	id    string
	delay time.Duration
	ended <-chan struct{}
}

// choose returns the fault of a request, or nil, and counts the request.
func (s *Set) choose(r *http.Request) *chosen {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *entry
	for _, e := range s.faults {
		if !e.Fault.Match.Selects(r) || !s.operations[r.Method+" "+r.URL.Path].hasStatus(e.Fault.Status) {
			continue
		}
		e.seen++
		isDue := e.seen >= e.Fault.Match.Nth && !e.isUsedUp()
		if isDue && first == nil {
			first = e
		}
	}
	if first == nil {
		return nil
	}
	first.Used++
	return &chosen{Fault: first.Fault, id: first.ID, delay: first.Fault.Delay.draw(s.random), ended: s.ended}
}
