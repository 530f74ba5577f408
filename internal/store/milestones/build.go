// Package milestones keeps the milestones of long lists at their intervals. Package counts describes what they are for.
package milestones

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// onePass is the threshold for building milestones in one pass through all records: the lists to build have together more
// than onePass times as many records. Otherwise, reading each list is faster, because the database counts a record in a
// fraction of the time of sending it.
const onePass = 5

// Builder builds and splits the milestones of an organization, in a transaction that has the organization's compaction lock.
type Builder struct {
	tx             *gorm.DB
	organizationID int64
	// interval is the shortest (intervalOf).
	interval int64
	// stored are the organization's milestones whose ranges end after the position from, including those that the Builder has
	// added; nil until read. lengths are the numbers of records of their lists at that time.
	stored  map[counts.Key]counts.Milestones
	lengths map[counts.Key]int64
	from    counts.Position
}

// NewBuilder returns a Builder that builds milestones at an interval, or at longer ones in long lists.
func NewBuilder(tx *gorm.DB, organizationID, interval int64) *Builder {
	return &Builder{tx: tx, organizationID: organizationID, interval: interval}
}

// Read reads the milestones that changes from a position on affect, unless they were read.
func (b *Builder) Read(from counts.Position) (err error) {
	if b.stored != nil && !from.Before(b.from) {
		return nil
	}
	b.from = from
	b.stored, b.lengths, err = counts.ReadMilestones(b.tx, b.organizationID, from)
	return err
}

// Aggregator returns an empty aggregator for the milestones that were read.
func (b *Builder) Aggregator() *counts.Aggregator { return counts.NewAggregator(b.stored, b.from) }

// Add adds the sums of an aggregator of the Builder to the milestones.
func (b *Builder) Add(sums *counts.Aggregator) error { return b.save(sums.AddToMilestones()) }

func (b *Builder) save(changed map[counts.Key]counts.Milestones) error {
	return counts.SaveMilestones(b.tx, b.organizationID, changed)
}

// Build builds the milestones of lists that have become long, and splits ranges that have. It reads all counters.
func (b *Builder) Build() error {
	if err := b.Read(counts.Beginning); err != nil {
		return err
	}
	if err := b.buildLongLists(); err != nil {
		return err
	}
	return b.Split()
}

// Split splits the ranges that have become long, of those that were read.
func (b *Builder) Split() error {
	for key, milestones := range b.stored {
		interval := intervalOf(b.lengths[key], b.interval)
		for i, milestone := range slices.Backward(milestones) {
			if milestone.N <= 2*interval {
				continue
			}
			built, err := b.buildRange(key, milestone.Position, milestones.End(i), interval)
			if err != nil {
				return err
			}
			milestones = slices.Replace(milestones, i, i+1, built...)
		}
		b.stored[key] = milestones
	}
	return nil
}

// buildLongLists builds the milestones of long lists that have none.
func (b *Builder) buildLongLists() error {
	long, err := counts.LongLists(b.tx, b.organizationID, 2*b.interval)
	if err != nil {
		return err
	}
	records := long[counts.AllRecords]
	var listed int64
	for key, n := range long {
		if b.stored[key] != nil {
			delete(long, key)
			continue
		}
		b.lengths[key] = n
		listed += n
	}
	if listed > onePass*records {
		return b.buildAtOnce(long)
	}
	for key, n := range long {
		if b.stored[key], err = b.buildRange(key, counts.Beginning, counts.End, intervalOf(n, b.interval)); err != nil {
			return err
		}
	}
	return nil
}

// buildAtOnce builds the milestones of lists of these lengths in one pass through all records.
func (b *Builder) buildAtOnce(lists map[counts.Key]int64) error {
	intervals := make(map[counts.Key]int64, len(lists))
	for key, n := range lists {
		intervals[key] = intervalOf(n, b.interval)
	}
	built, err := counts.BuildMilestones(b.tx, b.organizationID, intervals)
	if err != nil {
		return err
	}
	maps.Copy(b.stored, built)
	return b.save(built)
}
