// Package recording records deployments by the rules W1 to W7.
package recording

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/idempotency"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Recorder records deployments.
type Recorder struct {
	db     *database.DB
	gate   *admission.Gate
	quotas quotas.Limits
	clock  func(tx *gorm.DB) (time.Time, error)
	newID  func() string
	// Outcomes counts what became of the items.
	Outcomes *outcomes.Counter
	// ReadOnly rejects all recordings with deployments.ErrReadOnly.
	ReadOnly bool
}

// New returns a recorder whose transactions pass the gate and obey the quotas. Its clock is now, a parameter, or the database's
// if that is nil (W6). It generates ids by newID.
func New(db *database.DB, gate *admission.Gate, limits quotas.Limits, now func() time.Time, newID func() string) *Recorder {
	clock := database.Now
	if now != nil {
		clock = func(*gorm.DB) (time.Time, error) { return now().UTC().Truncate(time.Microsecond), nil }
	}
	return &Recorder{db: db, gate: gate, quotas: limits, clock: clock, newID: newID, Outcomes: outcomes.NewCounter()}
}

// Record implements deployments.Store.
func (r *Recorder) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	batch.AddViolations()
	var result deployments.BatchResult
	err := r.transact(ctx, organization, batch, func(w *work) (err error) {
		result, err = w.run()
		return err
	})
	return result, err
}

// RecordIdempotent implements deployments.Store.
func (r *Recorder) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	batch.AddViolations()
	var record deployments.Record
	err := r.transact(ctx, organization, batch, func(w *work) error {
		now, err := r.clock(w.tx)
		if err != nil {
			return err
		}
		stored, err := idempotency.Claim(w.tx, w.organizationID, key, r.quotas.IdempotencyKeys, now)
		if err != nil {
			return err
		}
		if stored != "" {
			w.outcomes.Items[outcomes.Repeated]++
			record, err = w.history.Record(stored)
			return err
		}
		result, err := w.run()
		if err != nil {
			return err
		}
		record = result.Items[0].Record
		return idempotency.Complete(w.tx, w.organizationID, key, record.ID)
	})
	return record, err
}

// RemoveExpiredKeys removes the idempotency keys that have expired and returns their number.
func (r *Recorder) RemoveExpiredKeys(ctx context.Context) (int64, error) {
	return idempotency.RemoveAllExpired(ctx, r.db, r.clock)
}

// transact runs a transaction that is retried after a conflict (W5). Each attempt starts with new work, and between the
// attempts others use the place in the gate.
func (r *Recorder) transact(ctx context.Context, organization string, batch deployments.Batch, do func(*work) error) error {
	if r.ReadOnly {
		return deployments.ErrReadOnly
	}
	var last *outcomes.Batch
	err := database.Retry(ctx, func() error {
		release, err := r.gate.Acquire(ctx, organization)
		if err != nil {
			return err
		}
		defer release()
		return r.db.Write(ctx, func(tx *gorm.DB) error {
			organizationID, err := schema.EnsureOrganization(tx, organization)
			if err != nil {
				return err
			}
			w := newWork(r, tx, organizationID, batch)
			last = w.outcomes
			return do(w)
		})
	})
	r.Outcomes.Count(len(batch.Items), last, err)
	return r.db.MapError(ctx, err)
}
