package compaction

import (
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/milestones"
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
RETURNING ` + counts.SelectMembers + `, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n`
)

// partition is the deltas that one transaction compacts, which has the organization's compaction lock. It is no PostgreSQL partition.
type partition struct {
	tx             *gorm.DB
	organizationID int64
	// id is list_changes.organization_id: organizationID, or its negative for deltas that no listing reads.
	id         int64
	milestones *milestones.Builder
	// after is the id of the last delta that was compacted.
	after int64
}

// newPartition returns a partition of an organization. Its compaction builds milestones at an interval.
func newPartition(tx *gorm.DB, organizationID, id, milestoneInterval int64) *partition {
	return &partition{tx: tx, organizationID: organizationID, id: id, milestones: milestones.NewBuilder(tx, organizationID, milestoneInterval)}
}

// compact compacts the whole partition in batches, and builds and adjusts milestones.
func (p *partition) compact(batchSize int) error {
	for {
		if n, err := p.compactBatch(batchSize); err != nil {
			return err
		} else if n < batchSize {
			return p.milestones.Build()
		}
	}
}

// compactBatch moves up to size deltas from the log to the counters and returns how many there were.
func (p *partition) compactBatch(size int) (n int, err error) {
	var end int64
	var first counts.Position
	err = p.tx.Raw(selectBatch, p.id, p.after, size).Row().Scan(&end, &first.CreatedAt, &first.RecordID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := p.milestones.Read(first); err != nil {
		return 0, err
	}
	sums := p.milestones.Aggregator()
	if n, err = p.takeDeltas(sums, end, first); err != nil {
		return 0, err
	}
	if err := counts.AddTotals(p.tx, p.organizationID, sums); err != nil {
		return 0, err
	}
	return n, p.milestones.Add(sums)
}

// takeDeltas deletes the deltas of a batch from its first position on and aggregates them.
func (p *partition) takeDeltas(sums *counts.Aggregator, end int64, first counts.Position) (n int, err error) {
	// One statement reads a delta and its set. A second one might not see the set.
	deleted := p.tx.Raw(deleteBatch, p.id, p.after, end, first.CreatedAt, first.RecordID)
	err = database.ForEachRow(deleted, func(rows *sql.Rows) error {
		var members string
		delta, err := counts.ScanDelta(rows, &members)
		sums.AddSet(delta.ProjectSetID, members)
		sums.Add(delta)
		n++
		return err
	})
	p.after = end
	return n, err
}
