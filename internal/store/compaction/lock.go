package compaction

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// lockKey is the key of an organization's compaction lock, an advisory lock.
	lockKey = "hashtextextended('deployrecords: counts', ?)"

	// A compaction that times out would only have to start over, so both statements disable the statement timeout.
	lockStatement    = `SELECT pg_advisory_xact_lock(` + lockKey + `), set_config('statement_timeout', '0', true)`
	tryLockStatement = `SELECT pg_try_advisory_xact_lock(` + lockKey + `) FROM (SELECT set_config('statement_timeout', '0', true)) AS unbounded`

	isolateStatement = `SELECT set_config('deployrecords.changes_apart', 'on', true)`
)

// Lock takes the organization's compaction lock for the rest of the transaction and disables the statement
// timeout. In SQLite, a transaction that writes is alone.
func Lock(tx *gorm.DB, organizationID int64) error {
	if database.DialectOf(tx) == database.SQLite {
		return nil
	}
	return tx.Exec(lockStatement, organizationID).Error
}

// tryLock is Lock that returns false if another transaction has the lock.
func tryLock(tx *gorm.DB, organizationID int64) (locked bool, err error) {
	if database.DialectOf(tx) == database.SQLite {
		return true, nil
	}
	err = tx.Raw(tryLockStatement, organizationID).Row().Scan(&locked)
	return locked, err
}

// isolateDeltas makes the triggers write the deltas of the transaction to a partition of the log that no listing reads,
// and returns the partition. Otherwise, each listing would scan the uncommitted deltas of a long import. The caller
// compacts the partition before it commits.
func isolateDeltas(tx *gorm.DB, organizationID int64) (partition int64, err error) {
	if database.DialectOf(tx) == database.SQLite {
		return organizationID, nil // a listing reads nothing uncommitted
	}
	return -organizationID, tx.Exec(isolateStatement).Error
}
