package schema

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// FindOrganization returns the id of an organization, or 0 if there is none with this key.
func FindOrganization(tx *gorm.DB, key string) (int64, error) {
	var row Organization
	err := tx.Where("key = ?", key).Limit(1).Find(&row).Error
	return row.ID, err
}

// EnsureOrganization returns the id of an organization, which it creates if there is none with this key.
func EnsureOrganization(tx *gorm.DB, key string) (int64, error) {
	id, err := FindOrganization(tx, key)
	if err != nil || id != 0 {
		return id, err
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&Organization{Key: key}).Error; err != nil {
		return 0, err
	}
	return FindOrganization(tx, key)
}

// LockOrganization locks an organization against imports and repairs until the transaction ends. Recorders go on: the
// lock does not conflict with foreign keys to the row.
func LockOrganization(tx *gorm.DB, key string) (int64, error) {
	var row Organization
	err := tx.Clauses(clause.Locking{Strength: database.NoKeyUpdate}).Where("key = ?", key).Take(&row).Error
	return row.ID, err
}
