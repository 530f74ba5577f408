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
	// smallBatch is the part of the largest batch up to which a batch is kept in memory, to search the milestones of the lists that it
	// changes.
	smallBatch = 4

	// selectBatch selects the largest id of a batch, its size and its first position.
	selectBatch = `SELECT max(id) OVER (), count(*) OVER (), created_at, record_id
FROM (SELECT id, latest, created_at, record_id FROM list_changes WHERE organization_id = ? AND id > ? ORDER BY id LIMIT ?) AS batch
ORDER BY latest, created_at, record_id LIMIT 1`

	// deleteBatch takes a range of ids. With a list of ids, PostgreSQL would compare each row with each id, because it has
	// no useful statistics of a table that fills and empties. Concurrent commits may add deltas to the batch: those before its
	// first position are left for the next compaction.
	deleteBatch = `DELETE FROM list_changes
WHERE organization_id = ? AND id > ? AND id <= ? AND (latest OR (created_at, record_id) >= (?, ?))
RETURNING ` + counts.SelectCountedArtifact + `, ` + counts.SelectMembers + `, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n`
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
	var batch batch
	err = p.tx.Raw(selectBatch, p.id, p.after, size).Row().Scan(&batch.end, &batch.size, &batch.first.CreatedAt, &batch.first.RecordID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	sums := counts.NewAggregator()
	if batch.size <= size/smallBatch {
		n, err = p.sumFew(sums, batch)
	} else {
		n, err = p.sumMany(sums, batch)
	}
	if err != nil {
		return 0, err
	}
	if err := counts.AddTotals(p.tx, p.organizationID, sums); err != nil {
		return 0, err
	}
	return n, p.milestones.Add(sums)
}

// batch is the deltas up to an id.
type batch struct {
	end   int64
	size  int
	first counts.Position
}

// sumMany deletes the deltas of a batch and adds them to the sums, by the milestones of all lists.
func (p *partition) sumMany(sums *counts.Aggregator, b batch) (n int, err error) {
	if err := p.milestones.Read(b.first); err != nil {
		return 0, err
	}
	p.milestones.Track(sums)
	return p.takeDeltas(sums, b, sums.Add)
}

// sumFew is sumMany by the milestones of the lists that the deltas change. All lists of ten million records have about 200,000.
func (p *partition) sumFew(sums *counts.Aggregator, b batch) (n int, err error) {
	var deltas []counts.Delta
	n, err = p.takeDeltas(sums, b, func(delta counts.Delta) { deltas = append(deltas, delta) })
	if err != nil {
		return 0, err
	}
	if err := p.milestones.ReadLists(sums.Lists(deltas), b.first); err != nil {
		return 0, err
	}
	p.milestones.Track(sums)
	for _, delta := range deltas {
		sums.Add(delta)
	}
	return n, nil
}

// takeDeltas deletes the deltas of a batch from its first position on. It adds their project sets to the sums and hands them to add.
func (p *partition) takeDeltas(sums *counts.Aggregator, b batch, add func(counts.Delta)) (n int, err error) {
	// One statement reads a delta and its set. A second one might not see the set.
	deleted := p.tx.Raw(deleteBatch, p.id, p.after, b.end, b.first.CreatedAt, b.first.RecordID, p.organizationID)
	err = database.ForEachRow(deleted, func(rows *sql.Rows) error {
		var artifactID, members string
		delta, err := counts.ScanDelta(rows, &artifactID, &members)
		delta.ArtifactID = artifactID
		sums.AddSet(delta.ProjectSetID, members)
		add(delta)
		n++
		return err
	})
	p.after = b.end
	return n, err
}
