// Package history reads the records that the rules of recording decide by. It locks them until the transaction ends.
package history

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

var isDeployed = fmt.Sprintf("status = %d", deployments.Deployed) // not bound: the planner must see the value

// Identity is an identity (W1) by the ids of its names.
type Identity struct {
	Slot                 schema.Slot
	LogicalEnvironmentID string
	Kind                 deployments.Kind
}

// IdentityOf returns the identity of a record.
func IdentityOf(r deployments.Record) Identity {
	slot := schema.Slot{EnvironmentID: r.EnvironmentID, DeploymentName: r.DeploymentName}
	return Identity{slot, r.LogicalEnvironmentID, r.Artifact.Kind}
}

// Reader reads records of an organization in a transaction.
type Reader struct {
	tx             *gorm.DB
	organizationID int64
	sets           map[string]int64
}

// NewReader returns a reader that puts the project sets of the artifacts of all records that it reads into sets, by their ids.
func NewReader(tx *gorm.DB, organizationID int64, sets map[string]int64) *Reader {
	return &Reader{tx, organizationID, sets}
}

// Record reads a record without a lock. It returns no error and an empty record if there is none.
func (r *Reader) Record(id string) (record deployments.Record, err error) {
	records, err := r.read(r.selectRecords("deployment_records r").Where("r.id = ?", id))
	if len(records) > 0 {
		record = records[0]
	}
	return record, err
}

// Deployed reads and locks the DEPLOYED records of the slots.
func (r *Reader) Deployed(slots []schema.Slot) ([]deployments.Record, error) {
	// CROSS JOIN: SQLite would otherwise read the set once for each record.
	return r.read(r.selectRecords("? w CROSS JOIN deployment_records r", schema.SlotSet(slots)).
		Where("r.environment_id = w.environment_id AND r.deployment_name = w.deployment_name AND r." + isDeployed).
		Order("r.id").Clauses(forUpdate))
}

// Latest returns when the latest record of each slot was created, without a lock. Slots without records have no time.
func (r *Reader) Latest(slots []schema.Slot) (map[schema.Slot]time.Time, error) {
	var rows []schema.CurrentSlot
	err := r.tx.Table("? w CROSS JOIN current_slots s", schema.SlotSet(slots)).Select("s.*").
		Where("s.organization_id = ? AND s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name", r.organizationID).
		Find(&rows).Error
	latest := make(map[schema.Slot]time.Time, len(slots))
	for _, row := range rows {
		latest[row.Slot] = row.CreatedAt.Time
	}
	return latest, err
}

// forUpdate locks the records of a query.
var forUpdate = clause.Locking{Strength: database.Update, Table: clause.Table{Name: "r"}}

// row is a row of deployment_records r with the names of its ids.
type row struct {
	schema.Record
	EnvironmentName                               string
	LogicalEnvironmentName                        *string
	ArtifactName, ArtifactVersion, ArtifactDigest string
	Number                                        int // of the key, in Newest
}

const columns = "r.*, e.name AS environment_name, l.name AS logical_environment_name, a.name AS artifact_name, a.version AS artifact_version, a.digest AS artifact_digest"

// selectRecords returns a query of the organization's records with their names. The table expression has deployment_records r.
func (r *Reader) selectRecords(table string, args ...any) *gorm.DB {
	return r.tx.Table(table, args...).
		Select(columns).
		Joins("JOIN environments e ON e.id = r.environment_id").
		Joins("JOIN artifacts a ON a.id = r.artifact_id").
		Joins("LEFT JOIN logical_environments l ON l.id = r.logical_environment_id").
		Where("r.organization_id = ?", r.organizationID)
}

func (r *Reader) read(query *gorm.DB) ([]deployments.Record, error) {
	var rows []row
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	records := make([]deployments.Record, len(rows))
	for i, row := range rows {
		records[i] = r.recordOf(row)
	}
	return records, nil
}

// recordOf translates a row and remembers the project set of its artifact.
func (r *Reader) recordOf(row row) deployments.Record {
	r.sets[row.ArtifactID] = row.ProjectSetID
	record := deployments.Record{
		ID: row.ID, EnvironmentID: row.EnvironmentID, EnvironmentName: row.EnvironmentName, DeploymentName: row.DeploymentName,
		ArtifactID: row.ArtifactID,
		Artifact:   deployments.Artifact{Kind: row.Kind, Name: row.ArtifactName, Version: row.ArtifactVersion, Digest: row.ArtifactDigest},
		Status:     row.Status, CreatedAt: row.CreatedAt.Time, UpdatedAt: row.UpdatedAt.Time, LastSeenAt: row.LastSeenAt.Time,
	}
	if row.LogicalEnvironmentID != nil {
		record.LogicalEnvironmentID, record.LogicalEnvironmentName = *row.LogicalEnvironmentID, *row.LogicalEnvironmentName
	}
	return record
}
