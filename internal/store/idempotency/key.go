// Package idempotency keeps which record each Idempotency-Key stands for, in the transaction that records it.
package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// row is a row of idempotency_keys.
type row struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	KeyDigest      []byte `gorm:"primaryKey"`
	Request        []byte
	RecordID       *string
	CreatedAt      database.Timestamp `gorm:"autoCreateTime:false"`
}

// TableName implements schema.Tabler of GORM.
func (row) TableName() string { return "idempotency_keys" }

// lifetime is how long a key is valid after its success.
const lifetime = 24 * time.Hour

// digestOf returns the stored form of a key, which has one length.
func digestOf(key deployments.IdempotencyKey) []byte {
	sum := sha256.Sum256([]byte(key.Subject + "\x00" + key.Key))
	return sum[:]
}

func newRow(organizationID int64, key deployments.IdempotencyKey, now time.Time) row {
	return row{OrganizationID: organizationID, KeyDigest: digestOf(key), Request: key.Request[:], CreatedAt: database.Timestamp{Time: now}}
}

// Claim claims the key for this transaction, or returns the id of the record that the key stands for. It waits for a
// concurrent transaction with the key. A key that stands for another request is a deployments.ErrKeyReused, and a claim beyond
// the quota, unless that is 0, a *deployments.QuotaError.
func Claim(tx *gorm.DB, organizationID int64, key deployments.IdempotencyKey, quota int64, now time.Time) (recordID string, err error) {
	claimed := newRow(organizationID, key, now)
	recordID, err = claim(tx, claimed)
	if err != nil || recordID != "" {
		return recordID, err
	}
	return "", checkQuota(tx, claimed, quota)
}

// claim returns an empty id if it has stored the key.
func claim(tx *gorm.DB, claimed row) (recordID string, err error) {
	created := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&claimed)
	if created.Error != nil || created.RowsAffected == 1 {
		return "", created.Error
	}
	var stored row
	err = tx.Clauses(clause.Locking{Strength: database.Update}).
		Where("organization_id = ? AND key_digest = ?", claimed.OrganizationID, claimed.KeyDigest).Take(&stored).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return "", tx.Create(&claimed).Error // RemoveAllExpired has just removed it
	case err != nil:
		return "", err
	case stored.CreatedAt.Before(expiry(claimed.CreatedAt.Time)) || stored.RecordID == nil:
		return "", tx.Save(&claimed).Error
	case !bytes.Equal(stored.Request, claimed.Request):
		return "", deployments.ErrKeyReused
	}
	return *stored.RecordID, nil
}

// expiry returns the time before which keys have expired.
func expiry(now time.Time) time.Time { return now.Add(-lifetime) }

// errNotNew is returned for a key that has been claimed before.
var errNotNew = errors.New("a key is not new")

// ClaimNew claims different keys for this transaction. It waits for concurrent transactions with them, and fails if one has been
// claimed before or exceeds the quota.
func ClaimNew(tx *gorm.DB, organizationID int64, keys []deployments.IdempotencyKey, quota int64, now time.Time) error {
	rows := make([]row, len(keys))
	for i, key := range keys {
		rows[i] = newRow(organizationID, key, now)
	}
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.KeyDigest, b.KeyDigest) })
	created, err := database.CreateMissing(tx, rows)
	if err != nil {
		return err
	}
	if created < len(rows) {
		return errNotNew
	}
	for _, claimed := range rows {
		if err := checkQuota(tx, claimed, quota); err != nil {
			return err
		}
	}
	return nil
}

// Complete stores the ids of the records that claimed keys stand for, in the transaction of the records. A key with an empty
// id stands for nothing and is free again.
func Complete(tx *gorm.DB, organizationID int64, records map[deployments.IdempotencyKey]string) error {
	var completed []row
	var free [][]byte
	for key, recordID := range records {
		if recordID == "" {
			free = append(free, digestOf(key))
			continue
		}
		claimed := newRow(organizationID, key, time.Time{}) // its row has the time of the claim
		claimed.RecordID = &recordID
		completed = append(completed, claimed)
	}
	if len(free) > 0 {
		if err := tx.Where("organization_id = ? AND key_digest IN ?", organizationID, free).Delete(&row{}).Error; err != nil {
			return err
		}
	}
	return database.Upsert(tx, completed, clause.AssignmentColumns([]string{"record_id"}), "")
}

// MaxRemoved is how many expired keys one transaction removes at most. Recordings wait on SQLite meanwhile.
const MaxRemoved = 500

// RemoveAllExpired removes the expired keys of all organizations, in one transaction for each MaxRemoved of them, and returns
// their number.
func RemoveAllExpired(ctx context.Context, db *database.DB, clock func(tx *gorm.DB) (time.Time, error)) (removed int64, err error) {
	for {
		var n int64
		err := db.WriteRetrying(ctx, func(tx *gorm.DB) error {
			now, err := clock(tx)
			if err != nil {
				return err
			}
			n, err = removeExpired(tx, now)
			return err
		})
		removed += n
		if err != nil || n < MaxRemoved {
			return removed, db.MapError(ctx, err)
		}
	}
}

// removeExpired removes the oldest expired keys of all organizations and returns their number. It skips those that another
// transaction removes or claims.
func removeExpired(tx *gorm.DB, now time.Time) (removed int64, err error) {
	expired := tx.Model(&row{}).Select("organization_id, key_digest").
		Where("created_at < ?", database.Timestamp{Time: expiry(now)}).Order("created_at").Limit(MaxRemoved).
		Clauses(clause.Locking{Strength: database.Update, Options: clause.LockingOptionsSkipLocked})
	deleted := tx.Where("(organization_id, key_digest) IN (?)", expired).Delete(&row{})
	return deleted.RowsAffected, deleted.Error
}
