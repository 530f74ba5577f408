// Package recording records deployments by the rules W1 to W8: it gives batches their transactions.
package recording

import (
	"cmp"
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/applying"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/groupcommit"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/idempotency"
	"github.com/deployrecords/deployrecords/internal/store/naming"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Recorder records deployments.
type Recorder struct {
	db      *database.DB
	gate    *admission.Gate
	options applying.Options
	groups  *groupcommit.Groups[*member]
	// Outcomes counts what became of the items.
	Outcomes *outcomes.Counter
	// ReadOnly rejects all recordings with deployments.ErrReadOnly.
	ReadOnly bool
}

// New returns a recorder. Its transactions pass the gate and obey the quotas. It has the times of now, or of the database's clock
// if now is nil (W6), and ids of newID.
func New(db *database.DB, gate *admission.Gate, limits quotas.Limits, now func() time.Time, newID func() string) *Recorder {
	clock := database.Now
	if now != nil {
		clock = func(*gorm.DB) (time.Time, error) { return now().UTC().Truncate(time.Microsecond), nil }
	}
	return &Recorder{
		db: db, gate: gate, options: applying.Options{Quotas: limits, Clock: clock, NewID: newID, Names: naming.NewCache()},
		groups: newGroups(maxAlone, maxHold), Outcomes: outcomes.NewCounter(),
	}
}

// Record implements deployments.Store.
func (r *Recorder) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	return r.record(ctx, request{organization, batch, nil})
}

// RecordIdempotent implements deployments.Store.
func (r *Recorder) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	result, err := r.record(ctx, request{organization, batch, &key})
	if err != nil {
		return deployments.Record{}, err
	}
	return result.Items[0].Record, nil
}

// RemoveExpiredKeys removes the idempotency keys that have expired and returns their number.
func (r *Recorder) RemoveExpiredKeys(ctx context.Context) (int64, error) {
	return idempotency.RemoveAllExpired(ctx, r.db, r.options.Clock)
}

// request is a batch to record for an organization. Its key is nil without an Idempotency-Key.
type request struct {
	organization string
	batch        deployments.Batch
	key          *deployments.IdempotencyKey
}

// record records a request. Single recordings that arrive at once share a transaction.
func (r *Recorder) record(ctx context.Context, q request) (deployments.BatchResult, error) {
	if r.ReadOnly {
		return deployments.BatchResult{}, deployments.ErrReadOnly
	}
	q.batch.AddViolations()
	if canShare(q.batch) {
		m := &member{request: q, ctx: ctx}
		err := r.groups.Join(ctx, q.organization, m, r.recordGroup)
		if err == nil { // otherwise, the group may still write to m
			err = m.failure
		}
		switch {
		case err != nil:
			err = cmp.Or(ctx.Err(), err)
			r.Outcomes.Count(1, nil, err)
			return deployments.BatchResult{}, r.db.MapError(ctx, err)
		case m.isAnswered:
			return m.result, m.err
		}
	}
	return r.recordAlone(ctx, q)
}

// recordAlone records a request in a transaction of its own, which is retried after a conflict (W5). Between the attempts,
// others use the place in the gate.
func (r *Recorder) recordAlone(ctx context.Context, q request) (result deployments.BatchResult, err error) {
	var became *outcomes.Batch
	err = database.Retry(ctx, func() error {
		return r.write(ctx, q.organization, 0, func(tx *gorm.DB, organization schema.Organization) (err error) {
			result, became, err = r.recordOnce(tx, organization, q)
			return err
		})
	})
	r.Outcomes.Count(len(q.batch.Items), became, err)
	return result, r.db.MapError(ctx, err)
}

// write runs a transaction of an organization, which is created if it is new. Each wait of do for a lock takes maxLockWait at most, or
// as long as any if that is 0.
func (r *Recorder) write(
	ctx context.Context, organization string, maxLockWait time.Duration, do func(tx *gorm.DB, organization schema.Organization) error,
) error {
	release, err := r.gate.Acquire(ctx, organization)
	if err != nil {
		return err
	}
	defer release()
	return r.db.Write(ctx, func(tx *gorm.DB) error {
		id, err := schema.EnsureOrganization(tx, organization, maxLockWait)
		if err != nil {
			return err
		}
		return do(tx, schema.Organization{ID: id, Key: organization})
	})
}

// recordOnce records a request, or returns the record that its key stands for.
func (r *Recorder) recordOnce(tx *gorm.DB, organization schema.Organization, q request) (deployments.BatchResult, *outcomes.Batch, error) {
	if q.key == nil {
		return applying.Run(tx, organization, q.batch, r.options)
	}
	stored, err := r.claim(tx, organization.ID, *q.key)
	if err != nil {
		return deployments.BatchResult{}, nil, err
	}
	if stored != "" {
		record, err := history.NewReader(tx, organization.ID, make(map[string]int64)).Record(stored)
		became := outcomes.NewBatch()
		became.Items[outcomes.Repeated]++
		return deployments.BatchResult{Items: []deployments.ItemResult{{Record: record}}}, became, err
	}
	result, became, err := applying.Run(tx, organization, q.batch, r.options)
	if err != nil {
		return result, became, err
	}
	return result, became, idempotency.Complete(tx, organization.ID, map[deployments.IdempotencyKey]string{*q.key: result.Items[0].Record.ID})
}

// claim claims a key, or returns the id of the record that it stands for.
func (r *Recorder) claim(tx *gorm.DB, organizationID int64, key deployments.IdempotencyKey) (recordID string, err error) {
	now, err := r.options.Clock(tx)
	if err != nil {
		return "", err
	}
	return idempotency.Claim(tx, organizationID, key, r.options.Quotas.IdempotencyKeys, now)
}
