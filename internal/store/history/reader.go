// Package history reads the records that the rules of recording decide by, and locks those until the transaction ends.
package history

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

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
	dialect        database.Dialect
	organizationID int64
	sets           map[string]int64
}

// NewReader returns a reader that puts the project sets of the artifacts of all records that it reads into sets, by their ids.
func NewReader(tx *gorm.DB, organizationID int64, sets map[string]int64) *Reader {
	return &Reader{tx, database.DialectOf(tx), organizationID, sets}
}

// Record reads a record without a lock. It returns no error and an empty record if there is none.
func (r *Reader) Record(id string) (record deployments.Record, err error) {
	records, err := r.read("@ids", "", map[string]any{"ids": database.IDs([]string{id})})
	if len(records) > 0 {
		record = records[0]
	}
	return record, err
}

// Deployed reads and locks the DEPLOYED records of the slots.
func (r *Reader) Deployed(slots []schema.Slot) ([]deployments.Record, error) {
	ids := "SELECT n.id FROM @slots AS w" + r.dialect.Join("n.id", schema.DeployedInSlot(r.dialect))
	records, err := r.read(ids, database.Update, map[string]any{"slots": schema.SlotSet(slots)})
	// An import may have changed a record before it was locked.
	return slices.DeleteFunc(records, func(record deployments.Record) bool { return record.Status != deployments.Deployed }), err
}

// Latest returns when the latest record of each slot was created, without a lock. Slots without records have no time.
func (r *Reader) Latest(slots []schema.Slot) (map[schema.Slot]time.Time, error) {
	var rows []schema.CurrentSlot
	err := r.tx.Raw("SELECT s.environment_id, s.deployment_name, s.created_at FROM @slots AS w"+
		r.dialect.Join("s.environment_id, s.deployment_name, s.created_at", schema.CurrentSlotOf(r.dialect)),
		map[string]any{"slots": schema.SlotSet(slots), "organization": r.organizationID}).Scan(&rows).Error
	latest := make(map[schema.Slot]time.Time, len(slots))
	for _, row := range rows {
		latest[row.Slot] = row.CreatedAt.Time
	}
	return latest, err
}

// row is a row of deployment_records r with the names of its ids.
type row struct {
	schema.Record
	EnvironmentName                               string
	LogicalEnvironmentName                        *string
	ArtifactName, ArtifactVersion, ArtifactDigest string
	// NamedID is the id of the artifact that the names belong to.
	NamedID string
}

const (
	// selectRecords selects the records r with the names of their ids. Each name is one search: see database.Lookup.
	selectRecords = `SELECT r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.kind, r.status, r.project_set_id,
  r.created_at, r.updated_at, r.last_seen_at, a.name AS artifact_name, a.version AS artifact_version, a.digest AS artifact_digest, a.id AS named_id,
  (SELECT e.name FROM environments e WHERE e.id = r.environment_id) AS environment_name,
  (SELECT l.name FROM logical_environments l WHERE l.id = r.logical_environment_id) AS logical_environment_name
FROM deployment_records r`
	ofOrganization = ` AND r.organization_id + 0 = @organization ORDER BY r.id`
)

// read reads the organization's records with the ids that a query selects, and locks them by the strength unless it is empty.
// It returns database.ErrOutdated if a record got another artifact meanwhile.
func (r *Reader) read(ids, lock string, values map[string]any) ([]deployments.Record, error) {
	values["organization"] = r.organizationID
	artifact := database.Lookup{Table: "artifacts", Alias: "a", Condition: "a.id = r.artifact_id"}
	query := selectRecords + r.dialect.Join("a.id, a.name, a.version, a.digest", artifact) +
		" WHERE " + r.dialect.In("r.id", ids) + ofOrganization + r.dialect.Lock(lock, "r")
	var rows []row
	if err := r.tx.Raw(query, values).Scan(&rows).Error; err != nil {
		return nil, err
	}
	records := make([]deployments.Record, len(rows))
	for i, row := range rows {
		if row.NamedID != row.ArtifactID {
			return nil, database.ErrOutdated // an import changed the artifact while the statement waited for the lock
		}
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
