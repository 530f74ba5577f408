package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

const (
	// keyLifetime is how long a key is known after its success.
	keyLifetime = 24 * time.Hour
	// keysRemoved is how many keys that are over go with each new one: more than come, so that they get fewer.
	keysRemoved = 10
)

// keyDigest is how a key is kept: of one length, whatever clients send.
func keyDigest(key deployments.IdempotencyKey) []byte {
	sum := sha256.Sum256([]byte(key.Subject + "\x00" + key.Key))
	return sum[:]
}

// claim takes the key for this transaction, or gives the id of the record that it led to. While another transaction
// has it, this one waits for its end.
func (w *recording) claim(key deployments.IdempotencyKey) (recordID string, err error) {
	now, err := w.clock()
	if err != nil {
		return "", err
	}
	over := now.Add(-keyLifetime)
	if err := w.removeKeys(over); err != nil {
		return "", err
	}
	row := idempotencyKeyRow{OrganizationID: w.organizationID, KeyDigest: keyDigest(key), Request: key.Request[:], CreatedAt: timestamp{now}}
	created := w.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if created.Error != nil || created.RowsAffected == 1 {
		return "", created.Error
	}
	var known idempotencyKeyRow
	err = w.tx.Clauses(clause.Locking{Strength: "UPDATE"}).
		Where("organization_id = ? AND key_digest = ?", w.organizationID, row.KeyDigest).Take(&known).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		// It was over, and another request has just removed it.
		return "", w.tx.Create(&row).Error
	case err != nil:
		return "", err
	case known.CreatedAt.Before(over) || known.RecordID == nil:
		return "", w.tx.Save(&row).Error
	case !bytes.Equal(known.Request, row.Request):
		return "", deployments.ErrKeyReused
	}
	return *known.RecordID, nil
}

// keep remembers what the key led to. It is committed with the record, or not at all.
func (w *recording) keep(key deployments.IdempotencyKey, recordID string) error {
	return w.tx.Model(&idempotencyKeyRow{}).
		Where("organization_id = ? AND key_digest = ?", w.organizationID, keyDigest(key)).
		Updates(map[string]any{"record_id": recordID}).Error
}

// removeKeys removes some keys that are over. It waits for nobody: what another removes is no matter.
func (w *recording) removeKeys(over time.Time) error {
	skip := " FOR UPDATE SKIP LOCKED"
	if w.engine == sqLite {
		skip = ""
	}
	return w.tx.Exec(`DELETE FROM idempotency_keys WHERE (organization_id, key_digest) IN (
  SELECT organization_id, key_digest FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?`+skip+")",
		timestamp{over}, keysRemoved).Error
}
