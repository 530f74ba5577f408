// Package outcomes counts what became of recordings, for monitoring.
package outcomes

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
)

// Outcome is what became of one item of a batch.
type Outcome string

// The outcomes. They are values of a label of metrics.
const (
	// Added items led to a new record, and Repeated ones to a record that was there.
	Added    Outcome = "added"
	Repeated Outcome = "repeated"
	// Late items came too late to change anything (W7).
	Late Outcome = "late"
	// Rejected items violate a rule or exceed a quota, or belong to a batch that does.
	Rejected Outcome = "rejected"
	// Busy items were not recorded because of others, and may be sent again.
	Busy Outcome = "busy"
	// Failed items were not recorded for another reason, as a database that is unavailable.
	Failed Outcome = "failed"
	// Omitted counts records that a snapshot ended because none of its items names them.
	Omitted Outcome = "omitted"
)

// Of returns the outcome of a change.
func Of(change deployments.Change) Outcome {
	switch {
	case change.Add:
		return Added
	case change.Stale:
		return Late
	default:
		return Repeated
	}
}

// Batch has the outcomes of one attempt to record a batch.
type Batch struct {
	// Items has the numbers of the items that were applied, and of the records that were omitted.
	Items map[Outcome]int64
	// Exceeded has the quota of each item that was rejected because of one.
	Exceeded []string
}

// NewBatch returns a batch without outcomes.
func NewBatch() *Batch { return &Batch{Items: make(map[Outcome]int64)} }

// Stats counts since the start. Its maps have every key.
type Stats struct {
	// Items has the number of items by outcome.
	Items map[Outcome]int64
	// QuotaRejections has the number of rejected batches and items by the quota, as logical_environments.
	QuotaRejections map[string]int64
}

// Counter adds up the outcomes of batches. It is safe for concurrent use.
type Counter struct {
	mu    sync.Mutex
	stats Stats
}

// NewCounter returns a counter whose counts are 0.
func NewCounter() *Counter {
	c := &Counter{stats: Stats{Items: make(map[Outcome]int64), QuotaRejections: make(map[string]int64)}}
	for _, outcome := range []Outcome{Added, Repeated, Late, Rejected, Busy, Failed, Omitted} {
		c.stats.Items[outcome] = 0
	}
	for _, quota := range quotas.Names() {
		c.stats.QuotaRejections[key(quota)] = 0
	}
	return c
}

// key returns the name of a quota as one word.
func key(quota string) string { return strings.ReplaceAll(quota, " ", "_") }

// Stats returns a copy of the counts.
func (c *Counter) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{maps.Clone(c.stats.Items), maps.Clone(c.stats.QuotaRejections)}
}

// Count adds a batch of so many items with the outcomes of its last attempt and its error. A client that hung up has none.
func (c *Counter) Count(items int, last *Batch, err error) {
	var quota *deployments.QuotaError
	var rejected *deployments.BatchError
	var overload *deployments.OverloadError
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.As(err, &quota):
		c.stats.QuotaRejections[key(quota.Quota)]++
		c.stats.Items[Rejected] += int64(items)
	case errors.As(err, &rejected), errors.Is(err, deployments.ErrKeyReused):
		c.stats.Items[Rejected] += int64(items)
	case errors.As(err, &overload), errors.Is(err, deployments.ErrConflict):
		c.stats.Items[Busy] += int64(items)
	case errors.Is(err, context.Canceled):
	case err != nil:
		c.stats.Items[Failed] += int64(items)
	default:
		c.add(int64(items), last)
	}
}

// add adds the outcomes of a batch that was recorded. The items that were not applied were rejected.
func (c *Counter) add(items int64, b *Batch) {
	for outcome, n := range b.Items {
		c.stats.Items[outcome] += n
		if outcome != Omitted {
			items -= n
		}
	}
	c.stats.Items[Rejected] += items
	for _, quota := range b.Exceeded {
		c.stats.QuotaRejections[key(quota)]++
	}
}
