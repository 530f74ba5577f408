package counts

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	selectOrganizationsWithDeltas = `SELECT o.id FROM organizations o WHERE EXISTS (SELECT 1 FROM list_changes c WHERE c.organization_id = o.id)`

	selectOrganizationsWithoutMilestones = `SELECT o.id FROM organizations o
WHERE EXISTS (SELECT 1 FROM list_totals t WHERE t.organization_id = o.id AND t.latest = false AND ` + withoutFilters + ` AND t.project_set_id = 0 AND t.n > ?)
AND NOT EXISTS (SELECT 1 FROM long_list_milestones m WHERE m.organization_id = o.id)`
)

const (
	// compactInterval is how often a server compacts. Pending deltas make each listing a little slower.
	compactInterval = time.Second
	// warnInterval is how often a server logs that compaction fails.
	warnInterval = time.Minute
)

// Compactor merges the delta log into the counters.
type Compactor struct {
	db *database.DB
	// milestoneInterval is DefaultMilestoneInterval, or less in tests, whose lists are short.
	milestoneInterval int64
}

// NewCompactor returns a compactor that sets milestones at an interval; 0 is DefaultMilestoneInterval.
func NewCompactor(db *database.DB, milestoneInterval int64) *Compactor {
	return &Compactor{db, cmp.Or(milestoneInterval, DefaultMilestoneInterval)}
}

// Compact merges the pending deltas of all organizations and returns how many there were. Listings are exact without it,
// and slower. Any number of servers may compact at once: for each organization one does the work and the others skip it.
func (c *Compactor) Compact(ctx context.Context) (int, error) {
	organizations, err := database.Column[int64](c.db.WithContext(ctx).Raw(selectOrganizationsWithDeltas))
	if err != nil {
		return 0, database.MapError(ctx, err)
	}
	return c.compactEach(ctx, organizations)
}

// BuildMissing compacts and builds milestones where an organization has none and needs them, as after a migration.
func (c *Compactor) BuildMissing(ctx context.Context) error {
	organizations, err := database.Column[int64](c.db.WithContext(ctx).Raw(selectOrganizationsWithoutMilestones, 2*c.milestoneInterval))
	if err == nil {
		_, err = c.compactEach(ctx, organizations)
	}
	return database.MapError(ctx, err)
}

// RunCompaction compacts until ctx ends. It uses at most a tenth of the time of one connection.
func (c *Compactor) RunCompaction(ctx context.Context, logger *slog.Logger) {
	var warned time.Time
	for pause := compactInterval; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		_, err := c.Compact(ctx)
		pause = max(compactInterval, 10*time.Since(began))
		switch {
		case err != nil && ctx.Err() == nil && time.Since(warned) > warnInterval:
			warned = time.Now()
			logger.Warn("counter compaction failed; listings stay exact but get slower", "error", err)
		case err == nil && !warned.IsZero():
			warned = time.Time{}
			logger.Info("counter compaction works again")
		}
	}
}

func (c *Compactor) compactEach(ctx context.Context, organizations []int64) (compacted int, failed error) {
	for _, id := range organizations {
		n, err := c.compactOrganization(ctx, id)
		compacted += n
		failed = errors.Join(failed, database.MapError(ctx, err)) // one failure does not stop the others
	}
	return compacted, failed
}

// compactOrganization compacts batch by batch, each in a transaction of its own, until fewer than a batch are pending.
func (c *Compactor) compactOrganization(ctx context.Context, id int64) (compacted int, err error) {
	for {
		var n int
		err := c.db.Write(ctx, func(tx *gorm.DB) error {
			if locked, err := tryLockCounters(tx, id); err != nil || !locked {
				return err
			}
			work := c.begin(tx, id, id)
			if n, err = work.compactBatch(batchSize); err != nil || n >= batchSize {
				return err // milestones come last: building them reads what is pending
			}
			return work.splitMilestones()
		})
		compacted += n
		if err != nil || n < batchSize {
			return compacted, err
		}
	}
}

// CompactIsolated isolates the deltas that write causes, and compacts them in the same transaction: write leaves nothing
// pending.
func (c *Compactor) CompactIsolated(tx *gorm.DB, organizationID int64, write func() error) error {
	partition, err := isolateDeltas(tx, organizationID)
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	if err := lockCounters(tx, organizationID); err != nil {
		return err
	}
	return c.begin(tx, organizationID, partition).compactAll()
}

// Rebuild replaces the counters of an organization by those of its records. Writers go on meanwhile.
func (c *Compactor) Rebuild(tx *gorm.DB, organizationID int64) error {
	if err := lockCounters(tx, organizationID); err != nil {
		return err
	}
	for _, counters := range []any{&total{}, &milestoneRow{}} {
		if err := tx.Where("organization_id = ?", organizationID).Delete(counters).Error; err != nil {
			return err
		}
	}
	partition, err := isolateDeltas(tx, organizationID)
	if err != nil {
		return err
	}
	// With empty counters, the equation leaves records - pending deltas to compact. One statement reads both, so that a
	// concurrent commit is in both or in neither.
	err = tx.Exec(insertRecordsAsDeltas, partition, organizationID, partition, organizationID, partition, organizationID).Error
	if err != nil {
		return err
	}
	return c.begin(tx, organizationID, partition).compactAll()
}

// BuildMilestones builds the milestones of an organization that are missing and splits those that have grown. Deltas may be
// pending.
func (c *Compactor) BuildMilestones(tx *gorm.DB, organizationID int64) error {
	return c.begin(tx, organizationID, organizationID).splitMilestones()
}
