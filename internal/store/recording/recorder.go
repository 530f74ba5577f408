// Package recording records deployments by the rules W1 to W7.
package recording

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Recorder records deployments.
type Recorder struct {
	db    *database.DB
	clock func(tx *gorm.DB) (time.Time, error)
	newID func() string
}

// New returns a recorder. It reads the clock now, or the database's if now is nil (W6), and generates ids by newID.
func New(db *database.DB, now func() time.Time, newID func() string) *Recorder {
	clock := database.Now
	if now != nil {
		clock = func(*gorm.DB) (time.Time, error) { return now().UTC().Truncate(time.Microsecond), nil }
	}
	return &Recorder{db, clock, newID}
}

// Record implements deployments.Store.
func (r *Recorder) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	batch.Validate()
	var result deployments.BatchResult
	err := r.transact(ctx, organization, batch, func(w *work) (err error) {
		result, err = w.run()
		return err
	})
	return result, err
}

// RecordIdempotent implements deployments.Store.
func (r *Recorder) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	batch.Validate()
	var record deployments.Record
	err := r.transact(ctx, organization, batch, func(w *work) error {
		stored, err := w.claimKey(key)
		if err != nil {
			return err
		}
		if stored != "" {
			records, err := w.readRecords(w.selectRecords("deployment_records r").Where("r.id = ?", stored))
			if err == nil && len(records) > 0 {
				record = records[0]
			}
			return err
		}
		result, err := w.run()
		if err != nil {
			return err
		}
		record = result.Items[0].Record
		return w.storeKey(key, record.ID)
	})
	return record, err
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

const (
	// keyLifetime is how long a key is valid after its success.
	keyLifetime = 24 * time.Hour
	// maxKeysRemoved is how many expired keys each new key removes: more than one, so that their number falls.
	maxKeysRemoved = 10
)

// keyDigest returns the stored form of a key, which has one length.
func keyDigest(key deployments.IdempotencyKey) []byte {
	sum := sha256.Sum256([]byte(key.Subject + "\x00" + key.Key))
	return sum[:]
}

// claimKey claims the key for this transaction, or returns the id of the record that the key stands for. It waits for a
// concurrent transaction with the key.
func (w *work) claimKey(key deployments.IdempotencyKey) (recordID string, err error) {
	now, err := w.clock(w.tx)
	if err != nil {
		return "", err
	}
	expiry := now.Add(-keyLifetime)
	if err := w.removeKeys(expiry); err != nil {
		return "", err
	}
	row := schema.IdempotencyKey{OrganizationID: w.organizationID, KeyDigest: keyDigest(key), Request: key.Request[:], CreatedAt: database.Timestamp{Time: now}}
	created := w.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if created.Error != nil || created.RowsAffected == 1 {
		return "", created.Error
	}
	var stored schema.IdempotencyKey
	err = w.tx.Clauses(clause.Locking{Strength: database.Update}).
		Where("organization_id = ? AND key_digest = ?", w.organizationID, row.KeyDigest).Take(&stored).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return "", w.tx.Create(&row).Error // another request has just removed the expired key
	case err != nil:
		return "", err
	case stored.CreatedAt.Before(expiry) || stored.RecordID == nil:
		return "", w.tx.Save(&row).Error
	case !bytes.Equal(stored.Request, row.Request):
		return "", deployments.ErrKeyReused
	}
	return *stored.RecordID, nil
}

// storeKey stores the record that the key stands for, in the transaction of the record.
func (w *work) storeKey(key deployments.IdempotencyKey, recordID string) error {
	return w.tx.Model(&schema.IdempotencyKey{}).
		Where("organization_id = ? AND key_digest = ?", w.organizationID, keyDigest(key)).
		Updates(map[string]any{"record_id": recordID}).Error
}

// removeKeys removes some expired keys. It skips those that another transaction removes.
func (w *work) removeKeys(expiry time.Time) error {
	expired := w.tx.Model(&schema.IdempotencyKey{}).Select("organization_id, key_digest").
		Where("created_at < ?", database.Timestamp{Time: expiry}).Order("created_at").Limit(maxKeysRemoved).
		Clauses(clause.Locking{Strength: database.Update, Options: clause.LockingOptionsSkipLocked})
	return w.tx.Where("(organization_id, key_digest) IN (?)", expired).Delete(&schema.IdempotencyKey{}).Error
}
