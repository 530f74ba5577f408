package counts

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// selectBatch selects the largest id of a batch and its first position.
	selectBatch = `SELECT max(id) OVER (), created_at, record_id
FROM (SELECT id, latest, created_at, record_id FROM list_changes WHERE organization_id = ? AND id > ? ORDER BY id LIMIT ?) AS batch
ORDER BY latest, created_at, record_id LIMIT 1`

	// deleteBatch takes a range of ids. With a list of ids, PostgreSQL would compare each row with each id, because it has
	// no useful statistics of a table that fills and empties. Concurrent commits may add deltas to the batch: those before its
	// first position are left for the next compaction.
	deleteBatch = `DELETE FROM list_changes
WHERE organization_id = ? AND id > ? AND id <= ? AND (latest OR (created_at, record_id) >= (?, ?))
RETURNING ` + selectMembers + `, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n`
)

// Delta is a row of the delta log: N records entered the lists of these dimensions, or -N left them.
type Delta struct {
	Dimensions
	Position
	N int64
}

// ScanDelta reads a row that has the columns in before, and then those of Dimensions, Position and N.
func ScanDelta(rows *sql.Rows, before ...any) (Delta, error) {
	var d Delta
	var logicalID sql.Null[string]
	err := rows.Scan(append(before, &d.Latest, &d.EnvironmentID, &logicalID, &d.DeploymentName, &d.Status, &d.Kind, &d.ProjectSetID, &d.CreatedAt, &d.RecordID, &d.N)...)
	d.LogicalEnvironmentID = logicalID.V
	return d, err
}

// Compaction is the work of one transaction, which has the organization's compaction lock.
type Compaction struct {
	tx             *gorm.DB
	organizationID int64
	// partition is list_changes.organization_id: organizationID, or its negative for deltas that no listing reads. It is no PostgreSQL partition.
	partition int64
	// milestoneInterval is the shortest interval (intervalOf).
	milestoneInterval int64
	// after is the id of the last delta that was compacted.
	after int64
	// milestones are the organization's milestones whose ranges end after the position from, including what this compaction has
	// added; nil until read. lengths are the numbers of records of their lists at that time.
	milestones map[Key]Milestones
	lengths    map[Key]int64
	from       Position
}

// NewCompaction returns the compaction of a partition, which is organizationID, or its negative for deltas that no listing reads. It builds
// milestones at an interval, or at longer ones in long lists.
func NewCompaction(tx *gorm.DB, organizationID, partition, milestoneInterval int64) *Compaction {
	return &Compaction{tx: tx, organizationID: organizationID, partition: partition, milestoneInterval: milestoneInterval}
}

// CompactAll compacts the whole partition in batches, and builds and splits milestones.
func (c *Compaction) CompactAll(batchSize int) error {
	for {
		if n, err := c.CompactBatch(batchSize); err != nil {
			return err
		} else if n < batchSize {
			return c.BuildMilestones()
		}
	}
}

// CompactBatch moves up to size deltas from the log to the counters and returns how many there were.
func (c *Compaction) CompactBatch(size int) (n int, err error) {
	var end int64
	var first Position
	err = c.tx.Raw(selectBatch, c.partition, c.after, size).Row().Scan(&end, &first.CreatedAt, &first.RecordID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := c.readMilestones(first); err != nil {
		return 0, err
	}
	sums := NewAggregator(c.milestones, c.from)
	if n, err = c.takeDeltas(sums, end, first); err != nil {
		return 0, err
	}
	if err := c.addTotals(sums); err != nil {
		return 0, err
	}
	return n, c.addToMilestones(sums)
}

// readMilestones reads the milestones that changes from a position on affect, unless they were read.
func (c *Compaction) readMilestones(from Position) (err error) {
	if c.milestones != nil && !from.Before(c.from) {
		return nil
	}
	c.from = from
	c.milestones, c.lengths, err = ReadMilestones(c.tx, c.organizationID, from)
	return err
}

// takeDeltas deletes the deltas of a batch from its first position on and aggregates them.
func (c *Compaction) takeDeltas(sums *Aggregator, end int64, first Position) (n int, err error) {
	// One statement reads a delta and its set. A second one might not see the set.
	deleted := c.tx.Raw(deleteBatch, c.partition, c.after, end, first.CreatedAt, first.RecordID)
	err = database.ForEachRow(deleted, func(rows *sql.Rows) error {
		var members string
		delta, err := ScanDelta(rows, &members)
		sums.AddSet(delta.ProjectSetID, members)
		sums.Add(delta)
		n++
		return err
	})
	c.after = end
	return n, err
}

// total is a row of list_totals.
type total struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Dimensions
	N int64
}

// TableName implements gorm's Tabler.
func (total) TableName() string { return "list_totals" }

// ReadTotals returns the stored totals of an organization.
func ReadTotals(tx *gorm.DB, organizationID int64) (map[Key]int64, error) {
	var rows []total
	err := tx.Where("organization_id = ?", organizationID).Find(&rows).Error
	totals := make(map[Key]int64, len(rows))
	for _, row := range rows {
		totals[Key{Dimensions: row.Dimensions}] = row.N
	}
	return totals, err
}

func (c *Compaction) addTotals(sums *Aggregator) error {
	totals := sums.Totals()
	rows := make([]total, 0, len(totals))
	for key, n := range totals {
		rows = append(rows, total{OrganizationID: c.organizationID, Dimensions: key.Dimensions, N: n})
	}
	// Neighbours in the table are written one after the other.
	slices.SortFunc(rows, func(a, b total) int {
		return cmp.Or(cmp.Compare(a.EnvironmentID, b.EnvironmentID), cmp.Compare(a.DeploymentName, b.DeploymentName))
	})
	return database.Upsert(c.tx, rows, clause.Assignments(map[string]any{"n": gorm.Expr("list_totals.n + excluded.n")}), "")
}

func (c *Compaction) addToMilestones(sums *Aggregator) error {
	changed := make(map[Key]Milestones)
	for key, r := range sums.ranges {
		for i, n := range r.sums {
			if n != 0 {
				r.milestones[i].N += n
				changed[key] = append(changed[key], r.milestones[i])
			}
		}
	}
	return c.saveMilestones(changed)
}
