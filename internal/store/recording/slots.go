package recording

import (
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

var isDeployed = fmt.Sprintf("status = %d", deployments.Deployed) // not bound: the planner must see the value

// identityKey is an identity (W1) by the ids of its names.
type identityKey struct {
	slot                 schema.Slot
	logicalEnvironmentID string
	kind                 deployments.Kind
}

// identityState is the state of an identity as the batch proceeds.
type identityState struct {
	// deployed are its DEPLOYED records, newest first.
	deployed []deployments.Record
	// written are the ids of the records that the batch has added or changed so far.
	written []string
}

func (w *work) identity(key identityKey) *identityState {
	state := w.identities[key]
	if state == nil {
		state = &identityState{}
		w.identities[key] = state
	}
	return state
}

// lockAndRead locks the slots and artifacts of the batch, then reads the clock and the DEPLOYED records. A snapshot also locks
// the slots that it omits. A record added to another slot afterwards is newer than it.
func (w *work) lockAndRead() (err error) {
	var slots []schema.Slot
	for _, item := range w.valid() {
		slots = append(slots, item.slot())
	}
	for identity := range w.omitted {
		slots = append(slots, schema.Slot{EnvironmentID: w.environments.ByName[identity.EnvironmentName].ID, DeploymentName: identity.DeploymentName})
	}
	slots = schema.SortSlots(slots)
	if err := w.lockSlots(slots); err != nil {
		return err
	}
	if err := w.readArtifacts(); err != nil {
		return err
	}
	now, err := w.clock(w.tx)
	if err != nil {
		return err
	}
	observed, violation := w.batch.Observation(now)
	if violation != nil {
		return &deployments.BatchError{Violations: []deployments.Violation{*violation}}
	}
	w.observed = observed
	if err := w.readSlots(slots); err != nil {
		return err
	}
	return w.readNewest()
}

// lockSlots locks the slots until the transaction ends (W5).
func (w *work) lockSlots(slots []schema.Slot) error {
	if len(slots) == 0 || w.db.Dialect == database.SQLite {
		return nil
	}
	lock := func() (rows []schema.SlotLock, err error) {
		err = w.tx.Table("slots AS s").Select("s.*").
			Joins("JOIN ? w ON s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name", schema.SlotSet(slots)).
			Where("s.organization_id = ?", w.organizationID).Order("s.environment_id, s.deployment_name").
			Clauses(forUpdate("s")).Find(&rows).Error
		return rows, err
	}
	rows, err := lock()
	if err != nil || len(rows) == len(slots) {
		return err
	}
	created := make([]schema.SlotLock, len(slots))
	for i, slot := range slots {
		created[i] = schema.SlotLock{OrganizationID: w.organizationID, Slot: slot}
	}
	// The creator of a row has it locked. A concurrent creator waits here, and locks the row below.
	if _, err := database.CreateMissing(w.tx, created); err != nil {
		return err
	}
	_, err = lock()
	return err
}

func forUpdate(alias string) clause.Locking {
	return clause.Locking{Strength: database.Update, Table: clause.Table{Name: alias}}
}

// readSlots reads the DEPLOYED records of the slots, and when their latest records were created.
func (w *work) readSlots(slots []schema.Slot) error {
	if len(slots) == 0 {
		return nil
	}
	set := schema.SlotSet(slots)
	// CROSS JOIN: SQLite would otherwise read the set once for each record.
	deployed, err := w.readRecords(w.selectRecords("? w CROSS JOIN deployment_records r", set).
		Where("r.environment_id = w.environment_id AND r.deployment_name = w.deployment_name AND r." + isDeployed).
		Order("r.id").Clauses(forUpdate("r")))
	if err != nil {
		return err
	}
	slices.SortFunc(deployed, newestFirst)
	for _, record := range deployed {
		slot := schema.Slot{EnvironmentID: record.EnvironmentID, DeploymentName: record.DeploymentName}
		state := w.identity(identityKey{slot, record.LogicalEnvironmentID, record.Artifact.Kind})
		state.deployed = append(state.deployed, record)
	}
	var latest []schema.CurrentSlot
	err = w.tx.Table("? w CROSS JOIN current_slots s", set).Select("s.*").
		Where("s.organization_id = ? AND s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name", w.organizationID).
		Find(&latest).Error
	for _, row := range latest {
		w.latest[row.Slot] = row.CreatedAt.Time
	}
	return err
}

// namedRecord is a row of deployment_records r with the names of its ids.
type namedRecord struct {
	schema.Record
	EnvironmentName                               string
	LogicalEnvironmentName                        *string
	ArtifactName, ArtifactVersion, ArtifactDigest string
	Number                                        int // of the key, in readNewest
}

const namedColumns = "r.*, e.name AS environment_name, l.name AS logical_environment_name, a.name AS artifact_name, a.version AS artifact_version, a.digest AS artifact_digest"

// selectRecords returns a query of the organization's records with their names. The table expression has deployment_records r.
func (w *work) selectRecords(table string, args ...any) *gorm.DB {
	return w.tx.Table(table, args...).
		Select(namedColumns).
		Joins("JOIN environments e ON e.id = r.environment_id").
		Joins("JOIN artifacts a ON a.id = r.artifact_id").
		Joins("LEFT JOIN logical_environments l ON l.id = r.logical_environment_id").
		Where("r.organization_id = ?", w.organizationID)
}

func (w *work) readRecords(query *gorm.DB) ([]deployments.Record, error) {
	var rows []namedRecord
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	records := make([]deployments.Record, len(rows))
	for i, row := range rows {
		records[i] = w.recordOf(row)
	}
	return records, nil
}

// recordOf translates a row and remembers the project set of its artifact.
func (w *work) recordOf(row namedRecord) deployments.Record {
	w.sets[row.ArtifactID] = row.ProjectSetID
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
