package counts

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// lockKey is the key of the advisory lock on an organization's counters.
	lockKey = "hashtextextended('deployrecords: counts', ?)"

	// A compaction that is cut off would only start again, so both disable the statement timeout.
	waitForLock = `SELECT pg_advisory_xact_lock(` + lockKey + `), set_config('statement_timeout', '0', true)`
	tryLock     = `SELECT pg_try_advisory_xact_lock(` + lockKey + `) FROM (SELECT set_config('statement_timeout', '0', true)) AS unbounded`

	setIsolated = `SELECT set_config('deployrecords.changes_apart', 'on', true)`

	insertRecordsAsDeltas = `INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
SELECT CAST(? AS bigint), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1 FROM deployment_records WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), true, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM current_slots WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -n FROM list_changes WHERE organization_id = ?`
)

// Delta is a row of the delta log: N records entered the lists of these dimensions, or -N left them.
type Delta struct {
	Dimensions
	Position
	N int64
}

// ScanDelta reads a row that has the columns in before, and then those of Dimensions, Position and N.
func ScanDelta(rows *sql.Rows, before ...any) (Delta, error) {
	var d Delta
	var logicalID sql.Null[string]
	err := rows.Scan(append(before, &d.Latest, &d.EnvironmentID, &logicalID, &d.DeploymentName, &d.Status, &d.Kind, &d.ProjectSetID, &d.CreatedAt, &d.RecordID, &d.N)...)
	d.LogicalEnvironmentID = logicalID.V
	return d, err
}

// lockCounters takes the organization's compaction lock for the rest of the transaction and disables the statement
// timeout. In SQLite, a transaction that writes is alone.
func lockCounters(tx *gorm.DB, organizationID int64) error {
	if database.DialectOf(tx) == database.SQLite {
		return nil
	}
	return tx.Exec(waitForLock, organizationID).Error
}

// tryLockCounters is lockCounters that returns false if another transaction has the lock.
func tryLockCounters(tx *gorm.DB, organizationID int64) (locked bool, err error) {
	if database.DialectOf(tx) == database.SQLite {
		return true, nil
	}
	err = tx.Raw(tryLock, organizationID).Row().Scan(&locked)
	return locked, err
}

// isolateDeltas makes the triggers write the deltas of the transaction to a partition of the log that no listing reads,
// and returns the partition: a listing would otherwise read past the uncommitted deltas of a long import. The caller
// compacts the partition before it commits.
func isolateDeltas(tx *gorm.DB, organizationID int64) (partition int64, err error) {
	if database.DialectOf(tx) == database.SQLite {
		return organizationID, nil // a listing reads nothing uncommitted
	}
	return -organizationID, tx.Exec(setIsolated).Error
}
