package recording

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

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
