// Package milestones builds the milestones of long lists, and keeps their distances between bounds as the lists change. Package counts
// describes what they are for.
package milestones

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// onePass is the threshold for building milestones in one pass through all records: the lists to build have together more
// than onePass times as many records. Otherwise, reading each list is faster, because the database counts a record in a
// fraction of the time of sending it.
const onePass = 5

// Builder builds, splits and joins the milestones of an organization, in a transaction that has the organization's compaction lock.
type Builder struct {
	tx             *gorm.DB
	organizationID int64
	// interval is the number of records between two new fine milestones.
	interval int64
	// stored are the organization's milestones whose ranges end after the position from, including those that the Builder has
	// added: of all lists or, unless isWhole is set, of some.
	stored  map[counts.Sequence]counts.Milestones
	from    counts.Position
	isWhole bool
}

const (
	// coarseness is the number of intervals between two coarse milestones.
	coarseness = 64

	// maxLists is the number of lists from which reading the milestones of all lists is faster than searching those of each.
	maxLists = 1000
)

// NewBuilder returns a Builder that builds milestones at an interval.
func NewBuilder(tx *gorm.DB, organizationID, interval int64) *Builder {
	return &Builder{tx: tx, organizationID: organizationID, interval: interval, stored: make(map[counts.Sequence]counts.Milestones)}
}

// Read reads the milestones that changes from a position on affect, unless they were read.
func (b *Builder) Read(from counts.Position) (err error) {
	if b.isWhole && !from.Before(b.from) {
		return nil
	}
	b.from, b.isWhole = from, true
	b.stored, err = counts.ReadMilestones(b.tx, b.organizationID, from)
	return err
}

// ReadLists is Read for changes of some lists.
func (b *Builder) ReadLists(lists []counts.Key, from counts.Position) (err error) {
	if len(lists) > maxLists || b.isWhole { // what was read of all lists is still current
		return b.Read(from)
	}
	b.from, b.isWhole = from, false
	b.stored, err = counts.ReadMilestonesOf(b.tx, b.organizationID, lists, from)
	return err
}

// Track lets an empty aggregator sum by the milestones that were read.
func (b *Builder) Track(sums *counts.Aggregator) { sums.SetMilestones(b.stored, b.from) }

// Add adds the sums of an aggregator of the Builder to the milestones.
func (b *Builder) Add(sums *counts.Aggregator) error { return b.save(sums.AddToMilestones()) }

func (b *Builder) save(changed map[counts.Sequence]counts.Milestones) error {
	return counts.SaveMilestones(b.tx, b.organizationID, changed)
}

// ArtifactsHaveSome reports whether long lists of artifacts get milestones. SQLite rejects the statement that would read them.
func ArtifactsHaveSome(tx *gorm.DB) bool { return database.DialectOf(tx) == database.PostgreSQL }

// Build builds the milestones of lists that have become long, and adjusts the others. It reads all counters and milestones.
func (b *Builder) Build() error {
	if err := b.Read(counts.Beginning); err != nil {
		return err
	}
	if err := b.buildLongLists(); err != nil {
		return err
	}
	return b.Adjust()
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
		if b.stored[counts.Sequence{Key: key}] != nil || key.ArtifactID != counts.AnyID && !ArtifactsHaveSome(b.tx) {
			delete(long, key)
			continue
		}
		listed += n
	}
	lists := slices.Collect(maps.Keys(long))
	if listed <= onePass*records {
		return b.BuildLists(lists)
	}
	built, err := counts.BuildMilestones(b.tx, b.organizationID, lists, b.interval)
	if err != nil {
		return err
	}
	return b.saveBuilt(built)
}

// BuildLists builds the milestones of whole lists that have none, from the records of each.
func (b *Builder) BuildLists(lists []counts.Key) (err error) {
	built := make(map[counts.Key]counts.Milestones, len(lists))
	for _, key := range lists {
		if built[key], err = b.buildRange(key, counts.Beginning, counts.End, b.interval); err != nil {
			return err
		}
	}
	return b.saveBuilt(built)
}

// saveBuilt saves fine milestones of whole lists, and coarse ones by them.
func (b *Builder) saveBuilt(built map[counts.Key]counts.Milestones) error {
	sequences := make(map[counts.Sequence]counts.Milestones, 2*len(built))
	for key, fine := range built {
		sequences[counts.Sequence{Key: key}] = fine
		sequences[counts.Sequence{Key: key, Coarse: true}], _, _ = joinRanges(fine, coarseness*b.interval, nil)
	}
	maps.Copy(b.stored, sequences)
	return b.save(sequences)
}
