// Package compaction moves deltas into the counters. It decides which organization's deltas are compacted when, and in which
// transactions. Package counts describes why.
package compaction

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/demand"
)

const (
	// batchSize is the number of deltas that one transaction compacts. It bounds the memory of a compaction, and how long it
	// blocks other servers.
	batchSize = 20_000

	// isolatedBatches is how many times as large the batches of an isolated partition are: its transaction compacts all of it.
	isolatedBatches = 5

	// intervalsOfGrowth is how many intervals of deltas make the counters of an organization due.
	intervalsOfGrowth = 8

	// countPending stops at a limit: a compaction that fails for days leaves millions.
	countPending = `SELECT count(*) FROM (SELECT 1 AS pending FROM list_changes LIMIT ?) AS changes`
)

// Compactor merges the delta log into the counters.
type Compactor struct {
	db *database.DB
	// milestoneInterval is counts.DefaultMilestoneInterval, or less in tests, whose lists are short. So is batchSize.
	milestoneInterval int64
	batchSize         int
	locks             missedLocks
	// growth is when to look for lists that have become long.
	growth      growth
	largeBodies *admission.Gate
	demand      *demand.Set
}

// New returns a compactor that builds milestones at an interval; 0 is counts.DefaultMilestoneInterval. It compacts an organization in
// a place that the gate gives the organization for its large bodies, so that a batch and its compaction keep one processor busy, and
// not two; nil is no gate. CountDemanded counts the artifacts that are demanded; nil is none.
func New(db *database.DB, milestoneInterval int64, largeBodies *admission.Gate, demanded *demand.Set) *Compactor {
	milestoneInterval = cmp.Or(milestoneInterval, counts.DefaultMilestoneInterval)
	return &Compactor{
		db: db, milestoneInterval: milestoneInterval, batchSize: batchSize,
		locks: missedLocks{patience: lockPatience}, growth: growth{enough: intervalsOfGrowth * milestoneInterval}, largeBodies: largeBodies, demand: demanded,
	}
}

// Compact merges the pending deltas of all organizations and returns how many there were. Listings are exact without it,
// and slower. Any number of servers may compact at once: for each organization one does the work and the others skip it.
// It returns an error if an organization's lock could not be taken for a minute.
func (c *Compactor) Compact(ctx context.Context) (int, error) {
	return c.compactEach(ctx, organizationsWithDeltas)
}

// MaxPending is the largest number that Pending returns.
const MaxPending = 100_000

// Pending returns the number of deltas that no transaction has compacted, or MaxPending if there are more.
func (c *Compactor) Pending(ctx context.Context) (n int64, err error) {
	err = c.db.WithContext(ctx).Raw(countPending, MaxPending).Row().Scan(&n)
	return n, c.db.MapError(ctx, err)
}

// BuildMissing compacts and builds milestones where an organization has none and needs them, as after a migration.
func (c *Compactor) BuildMissing(ctx context.Context) error {
	_, err := c.compactEach(ctx, func(tx *gorm.DB) ([]organization, error) {
		found, err := organizationsWithoutMilestones(tx, c.milestoneInterval)
		for _, o := range found {
			c.growth.setDue(o.ID)
		}
		return found, err
	})
	return err
}

// compactEach compacts the organizations that find returns in rounds, one batch of each, until fewer than a batch are pending in
// each. An organization that writes faster than it is compacted delays no other.
func (c *Compactor) compactEach(ctx context.Context, find func(*gorm.DB) ([]organization, error)) (compacted int, failed error) {
	stuck := make(map[int64]bool)
	for more := true; more; {
		organizations, err := find(c.db.WithContext(ctx))
		if err != nil {
			return compacted, c.db.MapError(ctx, err)
		}
		c.locks.retain(organizations)
		more = false
		for _, o := range organizations {
			if stuck[o.ID] {
				continue
			}
			n, err := c.compactNext(ctx, o)
			compacted += n
			if err != nil { // the others go on
				stuck[o.ID] = true
				failed = errors.Join(failed, c.db.MapError(ctx, err))
				continue
			}
			more = more || n >= c.batchSize
		}
	}
	return compacted, failed
}

// compactNext compacts a batch of an organization in a transaction. It returns how many deltas there were, 0 if another
// transaction has the organization's lock.
func (c *Compactor) compactNext(ctx context.Context, o organization) (n int, err error) {
	release, err := c.largeBodies.AcquireFirst(ctx, o.Key)
	if err != nil {
		return 0, err
	}
	defer release()
	var locked, read bool
	err = c.db.Write(ctx, func(tx *gorm.DB) error {
		if locked, err = tryLock(tx, o.ID); err != nil || !locked {
			return err
		}
		work := newPartition(tx, o.ID, o.ID, c.milestoneInterval)
		if n, err = work.compactBatch(c.batchSize); err != nil {
			return err
		}
		c.growth.add(o.ID, n)
		if n >= c.batchSize {
			return nil // milestones come last: building them reads what is pending
		}
		if read = c.growth.isDue(o.ID); read {
			return work.milestones.Build()
		}
		return work.milestones.Adjust()
	})
	if err != nil {
		return n, err
	}
	if read {
		c.growth.reset(o.ID)
	}
	missed := c.locks.note(o.ID, locked)
	if missed < c.locks.patience || locked {
		return n, nil
	}
	return n, fmt.Errorf("organization %q: other transactions have had the lock of its counters for %s", o.Key, missed.Round(time.Second))
}

// CompactIsolated isolates the deltas that write causes, or inserts into the partition that it receives, and compacts them
// in the same transaction.
func (c *Compactor) CompactIsolated(tx *gorm.DB, organizationID int64, write func(partition int64) error) error {
	partition, err := isolateDeltas(tx, organizationID)
	if err != nil {
		return err
	}
	if err := write(partition); err != nil {
		return err
	}
	if err := Lock(tx, organizationID); err != nil {
		return err
	}
	return newPartition(tx, organizationID, partition, c.milestoneInterval).compact(isolatedBatches * c.batchSize)
}
