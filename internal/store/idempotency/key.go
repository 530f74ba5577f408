// Package idempotency keeps which record each Idempotency-Key stands for, in the transaction that records it.
package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// ClaimNew claims different keys for this transaction, and returns those that nobody has claimed before, also if that has expired. It waits for concurrent
// transactions with them. A claim that exceeds the quota is an error.
func ClaimNew(tx *gorm.DB, organizationID int64, keys []deployments.IdempotencyKey, quota int64, now time.Time) (claimed map[deployments.IdempotencyKey]bool, err error) {
	known, err := knownDigests(tx, organizationID, keys)
	if err != nil {
		return nil, err
	}
	claimed = make(map[deployments.IdempotencyKey]bool)
	var rows []row
	for _, key := range keys {
		candidate := newRow(organizationID, key, now)
		if !known[string(candidate.KeyDigest)] {
			claimed[key] = true
			rows = append(rows, candidate)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.KeyDigest, b.KeyDigest) })
	if err := database.CreateAll(tx, rows); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := checkQuota(tx, row, quota); err != nil {
			return nil, err
		}
	}
	return claimed, nil
}

const (
	digestsPostgreSQL = "(SELECT decode(value, 'hex') FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS value)"
	digestsSQLite     = "(SELECT unhex(value) FROM json_each(?))"
)

// knownDigests returns the stored digests of keys that have been claimed, expired ones included.
func knownDigests(tx *gorm.DB, organizationID int64, keys []deployments.IdempotencyKey) (map[string]bool, error) {
	digests := make([]string, len(keys))
	for i, key := range keys {
		digests[i] = hex.EncodeToString(digestOf(key))
	}
	stored, err := database.Column[[]byte](tx.Model(&row{}).Select("key_digest").
		Where("organization_id = ? AND "+database.DialectOf(tx).SearchSets("key_digest IN (?)"), organizationID,
			database.NewJSONSet(digests, digestsPostgreSQL, digestsSQLite)))
	known := make(map[string]bool, len(stored))
	for _, digest := range stored {
		known[string(digest)] = true
	}
	return known, err
}

// Complete stores the ids of the records that claimed keys stand for, in the transaction of the records.
func Complete(tx *gorm.DB, organizationID int64, records map[deployments.IdempotencyKey]string) error {
	rows := make([]row, 0, len(records))
	for key, recordID := range records {
		completed := newRow(organizationID, key, time.Time{}) // the claim has stored its time
		completed.RecordID = &recordID
		rows = append(rows, completed)
	}
	return database.Upsert(tx, rows, clause.AssignmentColumns([]string{"record_id"}), "")
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
