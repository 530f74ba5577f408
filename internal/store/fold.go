package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// foldBatch is how many changes are folded in one transaction: the memory that folding needs, and how long it keeps
// another server from folding.
const foldBatch = 20_000

// foldAllBatch is as many at a time in a transaction that folds all: SQLite keeps them in memory.
const foldAllBatch = 200_000

// Compact brings the changes of lists that are not folded yet into their counts and gives how many there were.
// Lists are right without it, and slower: whoever serves calls it again and again. Any number of servers may do so
// at once; for each organization one does the work and the others find it done.
func (s *Store) Compact(ctx context.Context) (int, error) {
	var organizations []int64
	err := s.db.WithContext(ctx).Raw("SELECT o.id FROM organizations o WHERE EXISTS (SELECT 1 FROM list_changes c WHERE c.organization_id = o.id)").
		Scan(&organizations).Error
	if err != nil {
		return 0, databaseError(ctx, err)
	}
	return s.foldEach(ctx, organizations)
}

func (s *Store) foldEach(ctx context.Context, organizations []int64) (folded int, failed error) {
	for _, id := range organizations {
		n, err := s.foldOrganization(ctx, id)
		folded += n
		failed = errors.Join(failed, databaseError(ctx, err)) // the others need not wait for this one
	}
	return folded, failed
}

// setMissing sets milestones where an organization has none and needs them, as after a migration.
func (s *Store) setMissing(ctx context.Context) error {
	var organizations []int64
	err := s.db.WithContext(ctx).Raw(`SELECT o.id FROM organizations o
WHERE EXISTS (SELECT 1 FROM list_totals t WHERE t.organization_id = o.id AND t.latest = false AND `+withoutFilters+` AND t.project_set_id = 0 AND t.n > ?)
AND NOT EXISTS (SELECT 1 FROM long_list_milestones m WHERE m.organization_id = o.id)`, 2*s.spacing).Scan(&organizations).Error
	if err == nil {
		_, err = s.foldEach(ctx, organizations)
	}
	return databaseError(ctx, err)
}

// foldOrganization folds until little is left, each batch in a transaction of its own.
func (s *Store) foldOrganization(ctx context.Context, id int64) (folded int, err error) {
	for {
		var n int
		err := s.write(ctx, func(tx *gorm.DB) error {
			if held, err := s.engine.tryHoldCounts(tx, id); err != nil || !held {
				return err // another server is at it
			}
			fold := folding{tx: tx, engine: s.engine, organizationID: id, changes: id, spacing: s.spacing}
			if n, err = fold.batch(foldBatch); err != nil || n >= foldBatch {
				return err // milestones are set at the end: that reads what is pending
			}
			return fold.settle()
		})
		folded += n
		if err != nil || n < foldBatch {
			return folded, err
		}
	}
}

// foldAll folds what the transaction has noted apart (engine.noteApart): an import leaves nothing to do.
func foldAll(tx *gorm.DB, engine engine, organizationID, apart, spacing int64) error {
	if err := engine.holdCounts(tx, organizationID); err != nil {
		return err
	}
	fold := folding{tx: tx, engine: engine, organizationID: organizationID, changes: apart, spacing: spacing}
	for {
		n, err := fold.batch(foldAllBatch)
		if err != nil {
			return err
		}
		if n < foldAllBatch {
			return fold.settle()
		}
	}
}

// foldEvery is how often a server folds. What is pending costs each list a little.
const foldEvery = time.Second

// RunCompaction folds until ctx ends. It takes at most a tenth of the time of a connection. While it fails, it says so
// once a minute.
func (s *Store) RunCompaction(ctx context.Context, logger *slog.Logger) {
	var told time.Time
	for pause := foldEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		_, err := s.Compact(ctx)
		pause = max(foldEvery, 10*time.Since(began))
		switch {
		case err != nil && ctx.Err() == nil && time.Since(told) > time.Minute:
			told = time.Now()
			logger.Warn("the counts of lists are not folded: lists stay right and become slower", "error", err)
		case err == nil && !told.IsZero():
			told = time.Time{}
			logger.Info("the counts of lists are folded again")
		}
	}
}

// folding is a fold of an organization's changes under way, in its transaction. Nobody else touches the counts.
type folding struct {
	tx             *gorm.DB
	engine         engine
	organizationID int64
	// changes is the organization's id, or where its changes are noted apart.
	changes int64
	spacing int64
	// after is the id of the last change that was taken.
	after int64
	// milestones are those of the organization, with what was folded.
	milestones milestones
}

// batch takes up to size changes away and adds them to the counts. It gives how many there were.
func (f *folding) batch(size int) (int, error) {
	if f.milestones == nil {
		var err error
		if f.milestones, err = readMilestones(f.tx, f.organizationID); err != nil {
			return 0, err
		}
	}
	sums := newTally(f.milestones)
	n, err := f.take(sums, size)
	if err != nil || n == 0 {
		return 0, err
	}
	totals := sums.totals(f.organizationID)
	err = createAll(f.tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{
			{Name: "organization_id"},
			{Name: "latest"},
			{Name: "environment_id"},
			{Name: "logical_environment_id"},
			{Name: "deployment_name"},
			{Name: "status"},
			{Name: "kind"},
			{Name: "project_set_id"},
		},
		DoUpdates: clause.Assignments(map[string]any{"n": gorm.Expr("list_totals.n + excluded.n")}),
	}), totals)
	if err != nil {
		return 0, err
	}
	return n, f.saveMilestones(sums)
}

// take deletes a batch of changes and tallies them. What others commit meanwhile may make it a few more.
func (f *folding) take(sums *tally, size int) (n int, err error) {
	// Two ranges of the key: with a list of ids, PostgreSQL, which knows nothing of a table that is filled and emptied,
	// compares each row with each.
	var upTo sql.Null[int64]
	err = f.tx.Raw("SELECT max(id) FROM (SELECT id FROM list_changes WHERE organization_id = ? AND id > ? ORDER BY id LIMIT ?) AS batch",
		f.changes, f.after, size).Row().Scan(&upTo)
	if err != nil || !upTo.Valid {
		return 0, err
	}
	// A change that is seen is of a set that is seen, which another statement would not promise.
	rows, err := f.tx.Raw(`DELETE FROM list_changes WHERE organization_id = ? AND id > ? AND id <= ?
RETURNING `+membersOf("list_changes")+`, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n`,
		f.changes, f.after, upTo.V).Rows()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var members string
		change, err := scanChange(rows, &members)
		if err != nil {
			return 0, err
		}
		sums.know(change.projectSetID, members)
		sums.add(change)
	}
	f.after = upTo.V
	return n, rows.Err()
}

// change is that n records came to be listed so, or that -n are so no more.
type change struct {
	listed
	place
	n int64
}

// scanChange reads a row of what stands before, and of a change.
func scanChange(rows *sql.Rows, before ...any) (change, error) {
	var (
		c                 change
		logicalID         sql.Null[string]
		status, kind      int64
		created           timestamp
		logical, recordID = &logicalID, &c.recordID
	)
	err := rows.Scan(append(before, &c.latest, &c.environmentID, logical, &c.deploymentName, &status, &kind, &c.projectSetID, &created, recordID, &c.n)...)
	c.logicalEnvironmentID = logicalID.V
	c.status, c.kind = deployments.Status(status), deployments.Kind(kind)
	c.createdAt = created.Time
	return c, err
}
