// Package recording records deployments by the rules W1 to W6.
package recording

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Recorder records deployments.
type Recorder struct {
	db    *database.DB
	now   func() time.Time
	newID func() string
}

// New returns a recorder. It reads the clock now, or the database's if now is nil, and generates ids by newID.
func New(db *database.DB, now func() time.Time, newID func() string) *Recorder {
	return &Recorder{db, now, newID}
}

// Record implements deployments.Store.
func (r *Recorder) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	batch.Validate()
	var result deployments.BatchResult
	err := r.transact(ctx, organization, batch, func(w *work) (err error) {
		result, err = w.run()
		return err
	})
	if err != nil {
		return deployments.BatchResult{}, err
	}
	return result, nil
}

// RecordIdempotent implements deployments.Store.
func (r *Recorder) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, item deployments.Recording, autoCreate bool) (deployments.Record, error) {
	batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: item}}, Single: true, AutoCreate: autoCreate}
	batch.Validate()
	var record deployments.Record
	err := r.transact(ctx, organization, batch, func(w *work) error {
		stored, err := w.claimKey(key)
		if err != nil {
			return err
		}
		if stored != "" {
			record, err = w.readByID(stored)
			return err
		}
		result, err := w.run()
		if err != nil {
			return err
		}
		record = result.Items[0].Record
		return w.storeKey(key, record.ID)
	})
	if err != nil {
		return deployments.Record{}, err
	}
	return record, nil
}

// transact runs a transaction that is retried after a conflict (W5). Each attempt starts with new work.
func (r *Recorder) transact(ctx context.Context, organization string, batch deployments.Batch, do func(*work) error) error {
	err := r.db.WriteRetrying(ctx, func(tx *gorm.DB) error {
		organizationID, err := schema.EnsureOrganization(tx, organization)
		if err != nil {
			return err
		}
		return do(newWork(r, tx, organizationID, batch))
	})
	return database.MapError(ctx, err)
}

// clock returns the time of the recording, by the database's clock (W6).
func (r *Recorder) clock(tx *gorm.DB) (time.Time, error) {
	if r.now != nil {
		return r.now().UTC().Truncate(time.Microsecond), nil
	}
	return database.Now(tx)
}
