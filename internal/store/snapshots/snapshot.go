// Package snapshots finds the identities that a snapshot omits, and keeps what each part of a snapshot has named until the
// final part arrives (W8).
package snapshots

import (
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// Snapshot is the snapshot of a batch in its transaction.
type Snapshot struct {
	tx             *gorm.DB
	organizationID int64
	deployments.Snapshot
	// stored is the row of a snapshot in parts, otherwise nil.
	stored *row
	// named has the identities that the batch names. If all parts have arrived, named.all is about all of them.
	named named
	// missing has the numbers of the parts that have not arrived. Only the final part reads them.
	missing []int
}

// row is a row of snapshots.
type row struct {
	OrganizationID  int64  `gorm:"primaryKey;autoIncrement:false"`
	SnapshotID      string `gorm:"primaryKey"`
	EnvironmentName string
	Scope           string
	ObservedAt      database.Timestamp
	// Parts is nil until a final part has arrived, and Decommissioned until every part has.
	Parts, Decommissioned *int
	CreatedAt             database.Timestamp `gorm:"autoCreateTime:false"`
}

// TableName implements schema.Tabler of GORM.
func (row) TableName() string { return "snapshots" }

// snapshot returns what all parts of the snapshot have in common.
func (r *row) snapshot() (snapshot deployments.Snapshot, err error) {
	snapshot.EnvironmentName, snapshot.ObservedAt = r.EnvironmentName, r.ObservedAt.Time
	return snapshot, json.Unmarshal([]byte(r.Scope), &snapshot.Scope)
}

const (
	// lifetime is how long the parts of a snapshot are kept.
	lifetime = 24 * time.Hour
	// maxRemoved is how many expired snapshots each part removes: more than one, so that their number falls.
	maxRemoved = 2
)

// Open returns the snapshot of a batch. If the batch is a part, Open stores the snapshot unless another part has, and locks
// it until the transaction ends. It returns a *deployments.BatchError if the batch contradicts the stored snapshot.
func Open(tx *gorm.DB, organizationID int64, snapshot deployments.Snapshot, now time.Time) (*Snapshot, error) {
	s := &Snapshot{tx: tx, organizationID: organizationID, Snapshot: snapshot}
	if s.Part == nil {
		return s, nil
	}
	s.ObservedAt = s.ObservedAt.Truncate(time.Microsecond) // as it is stored
	if err := s.removeExpired(database.Timestamp{Time: now.Add(-lifetime)}); err != nil {
		return nil, err
	}
	if err := s.lock(now); err != nil {
		return nil, err
	}
	first, err := s.stored.snapshot()
	if err != nil {
		return nil, err
	}
	if violations := s.Differences(first); len(violations) > 0 {
		return nil, &deployments.BatchError{Violations: violations}
	}
	return s, nil
}

// isComplete reports whether a final part found that every part had arrived.
func (s *Snapshot) isComplete() bool { return s.stored != nil && s.stored.Decommissioned != nil }

// whereKey selects the rows of this snapshot.
func (s *Snapshot) whereKey() *gorm.DB {
	return s.tx.Where("organization_id = ? AND snapshot_id = ?", s.organizationID, s.Part.SnapshotID)
}

// removeExpired removes this snapshot if it is expired, and some expired ones that no other transaction removes.
func (s *Snapshot) removeExpired(before database.Timestamp) error {
	if err := s.whereKey().Where("created_at < ?", before).Delete(&row{}).Error; err != nil {
		return err
	}
	expired := s.tx.Model(&row{}).Select("organization_id, snapshot_id").
		Where("created_at < ?", before).Order("created_at").Limit(maxRemoved).
		Clauses(clause.Locking{Strength: database.Update, Options: clause.LockingOptionsSkipLocked})
	return s.tx.Where("(organization_id, snapshot_id) IN (?)", expired).Delete(&row{}).Error
}

// lock stores the snapshot unless it is stored, and locks it. The final part locks it alone: it waits for parts that are
// being recorded.
func (s *Snapshot) lock(now time.Time) error {
	scope, err := json.Marshal(s.Scope)
	if err != nil {
		return err
	}
	s.stored = &row{
		OrganizationID: s.organizationID, SnapshotID: s.Part.SnapshotID, EnvironmentName: s.EnvironmentName, Scope: string(scope),
		ObservedAt: database.Timestamp{Time: s.ObservedAt}, CreatedAt: database.Timestamp{Time: now},
	}
	created := s.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(s.stored)
	if created.Error != nil || created.RowsAffected == 1 {
		return created.Error
	}
	strength := database.Share
	if s.Part.IsFinal() {
		strength = database.Update
	}
	s.stored = &row{}
	err = s.whereKey().Clauses(clause.Locking{Strength: strength}).Take(s.stored).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return deployments.ErrConflict // another transaction has just removed it as expired
	}
	return err
}
