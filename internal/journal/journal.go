// Package journal keeps what a server received and answered, for tests of its clients. It takes bounded memory and never
// keeps a token.
package journal

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deployrecords/deployrecords/internal/faults"
)

// Exchange is a request and its response.
type Exchange struct {
	// Number counts the requests of a journal from 1, in the order in which their responses ended.
	Number int64
	// ReceivedAt is the real time, and Duration the time until the response ended.
	ReceivedAt time.Time
	Duration   time.Duration

	Method string
	// Path and Query are as sent.
	Path, Query string
	Header      http.Header
	// Body has at most 64 KiB of the BodyBytes that were read.
	Body      string
	BodyBytes int64

	// Status is 0 if the connection was closed without a response.
	Status         int
	ResponseHeader http.Header
	// ResponseBody has at most 64 KiB of the ResponseBytes that were sent.
	ResponseBody  string
	ResponseBytes int64
	// Fault is the id of the fault that the request had, or empty.
	Fault string
}

// size returns about how many bytes the exchange takes.
func (e *Exchange) size() int {
	size := 512 + len(e.Path) + len(e.Query) + len(e.Body) + len(e.ResponseBody)
	for _, header := range []http.Header{e.Header, e.ResponseHeader} {
		for name, values := range header {
			size += len(name) + 64
			for _, value := range values {
				size += len(value)
			}
		}
	}
	return size
}

// Filter selects exchanges. Its zero fields select all of them.
type Filter struct {
	Method, Path string
	// Query has parameters that the request must have, with these values.
	Query  url.Values
	Status int
	// After selects greater numbers.
	After int64
}

func (f *Filter) selects(e *Exchange) bool {
	return (f.Method == "" || f.Method == e.Method) && (f.Path == "" || f.Path == e.Path) && (f.Status == 0 || f.Status == e.Status) &&
		e.Number > f.After && faults.HasParameters(e.Query, f.Query)
}

// Found is what a journal has for a filter.
type Found struct {
	// Count is how many exchanges the filter selects, and Exchanges the first of them, oldest first.
	Count     int
	Exchanges []*Exchange
	// Dropped is how many of all exchanges, the oldest, the full journal has dropped.
	Dropped int64
}

const (
	// maxExchanges and maxBytes limit a journal.
	maxExchanges = 10_000
	maxBytes     = 64 << 20
	// maxBody limits each body.
	maxBody = 64 << 10
)

// maxShared limits the journals that share a budget.
const maxShared = 256 << 20

// Budget counts the bytes of several journals. While they take more than 256 MiB, a journal to which an exchange is added drops
// its oldest ones.
type Budget struct{ held atomic.Int64 }

// Journal has the exchanges of a server. It is safe for concurrent use. Its zero value is empty.
type Journal struct {
	// Budget, if not nil, is shared with other journals. It is set before the first request.
	Budget *Budget

	mu        sync.Mutex
	numbered  int64
	dropped   int64
	bytes     int
	exchanges []*Exchange
	// cleared is how often the journal was cleared.
	cleared int
	// changed is closed and replaced when an exchange is added.
	changed chan struct{}
}

// generation returns what add expects of a request that begins now.
func (j *Journal) generation() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cleared
}

// add numbers an exchange and adds it, and drops the oldest ones if the journal is full. It drops an exchange that began before
// the journal was cleared.
func (j *Journal) add(e *Exchange, generation int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if generation != j.cleared {
		return
	}
	j.numbered++
	e.Number = j.numbered
	j.exchanges = append(j.exchanges, e)
	j.hold(e.size())
	for len(j.exchanges) > maxExchanges || j.isFull() && len(j.exchanges) > 1 {
		j.hold(-j.exchanges[0].size())
		j.exchanges[0] = nil // the array stays in use
		j.exchanges = j.exchanges[1:]
		j.dropped++
	}
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// hold counts the bytes of an exchange that is added or, if they are negative, dropped.
func (j *Journal) hold(bytes int) {
	j.bytes += bytes
	if j.Budget != nil {
		j.Budget.held.Add(int64(bytes))
	}
}

func (j *Journal) isFull() bool {
	return j.bytes > maxBytes || j.Budget != nil && j.Budget.held.Load() > maxShared
}

// Clear drops all exchanges, those that have begun too. Numbers are not used again.
func (j *Journal) Clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.hold(-j.bytes)
	j.exchanges, j.dropped = nil, 0
	j.cleared++
}

// Find returns the exchanges that the filter selects, at most limit of them.
func (j *Journal) Find(f Filter, limit int) Found {
	found, _ := j.find(f, limit)
	return found
}

// find also returns a channel that is closed when an exchange is added.
func (j *Journal) find(f Filter, limit int) (Found, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := Found{Dropped: j.dropped}
	for _, e := range j.exchanges {
		if !f.selects(e) {
			continue
		}
		if found.Count++; len(found.Exchanges) < limit {
			found.Exchanges = append(found.Exchanges, e)
		}
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return found, j.changed
}

// Wait waits until the filter selects a number of exchanges, and returns them as Find does. When ctx ends before, it returns
// those that there are and the error of ctx.
func (j *Journal) Wait(ctx context.Context, f Filter, limit, atLeast int) (Found, error) {
	for {
		found, changed := j.find(f, limit)
		if found.Count >= atLeast {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}
