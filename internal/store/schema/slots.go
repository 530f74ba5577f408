package schema

import (
	"cmp"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	deleteCurrentSlot = `DELETE FROM current_slots WHERE organization_id = ? AND environment_id = ? AND deployment_name = ?`

	// insertLatest locks the artifact, whose project set may be changing, before it copies the set.
	insertLatest = `INSERT INTO current_slots (organization_id, environment_id, deployment_name,
  record_id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT r.organization_id, r.environment_id, r.deployment_name, r.id, r.logical_environment_id, r.artifact_id, r.kind, r.status, a.project_set_id,
  r.created_at, r.updated_at, r.last_seen_at
FROM (
  SELECT id, organization_id, environment_id, deployment_name, logical_environment_id, artifact_id, kind, status, created_at, updated_at, last_seen_at
  FROM deployment_records WHERE organization_id = ? AND environment_id = ? AND deployment_name = ?
  ORDER BY created_at DESC, id DESC LIMIT 1) AS r JOIN artifacts a ON a.id = r.artifact_id`

	slotsPostgreSQL = "(SELECT CAST(value->>0 AS uuid) AS environment_id, value->>1 AS deployment_name FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)"
	slotsSQLite     = "(SELECT json_extract(value, '$[0]') AS environment_id, json_extract(value, '$[1]') AS deployment_name FROM json_each(?))"
)

// lockedSlot locks the row of each slot, in the order of the set. The table has no other index than that of its key.
var lockedSlot = database.Lookup{
	Table: "slots", Alias: "s", Lock: database.Update,
	Condition: "s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name AND s.organization_id = ?",
}

// Slot is the key of a slot within an organization.
type Slot struct {
	EnvironmentID  string `gorm:"primaryKey"`
	DeploymentName string `gorm:"primaryKey"`
}

// Compare orders slots as both databases do.
func (s Slot) Compare(o Slot) int {
	return cmp.Or(cmp.Compare(s.EnvironmentID, o.EnvironmentID), cmp.Compare(s.DeploymentName, o.DeploymentName))
}

// SortSlots returns each slot once, in the order in which writers lock them.
func SortSlots(slots []Slot) []Slot {
	return slices.Compact(slices.SortedFunc(slices.Values(slots), Slot.Compare))
}

// SlotSet is a set of slots for FROM ? AS alias, with the columns environment_id and deployment_name.
func SlotSet(slots []Slot) database.JSONSet {
	pairs := make([][2]string, len(slots))
	for i, slot := range slots {
		pairs[i] = [2]string{slot.EnvironmentID, slot.DeploymentName}
	}
	return database.NewJSONSet(pairs, slotsPostgreSQL, slotsSQLite)
}

// LockSlots locks slots, in the order of SortSlots, until the transaction ends (W5).
func LockSlots(tx *gorm.DB, organizationID int64, slots []Slot) error {
	if len(slots) == 0 || database.DialectOf(tx) == database.SQLite {
		return nil
	}
	lock := func() (rows []SlotLock, err error) {
		err = tx.Raw("SELECT s.environment_id, s.deployment_name FROM ? AS w"+database.PostgreSQL.Join("s.environment_id, s.deployment_name", lockedSlot),
			SlotSet(slots), organizationID).Scan(&rows).Error
		return rows, err
	}
	rows, err := lock()
	if err != nil || len(rows) == len(slots) {
		return err
	}
	created := make([]SlotLock, len(slots))
	for i, slot := range slots {
		created[i] = SlotLock{OrganizationID: organizationID, Slot: slot}
	}
	// The creator of a row has it locked. A concurrent creator waits here, and locks the row below.
	if _, err := database.CreateMissing(tx, created); err != nil {
		return err
	}
	_, err = lock()
	return err
}

// AdvanceSlots moves each slot's row to the newest of the records written, unless the row has a newer one.
func AdvanceSlots(tx *gorm.DB, written []Record) error {
	newest := make(map[Slot]Record)
	for _, record := range written {
		if best, ok := newest[record.Slot()]; !ok || record.NewerThan(best) {
			newest[record.Slot()] = record
		}
	}
	rows := make([]CurrentSlot, 0, len(newest))
	for _, record := range newest {
		rows = append(rows, NewCurrentSlot(record))
	}
	slices.SortFunc(rows, func(a, b CurrentSlot) int { return a.Slot.Compare(b.Slot) })
	return database.Upsert(tx, rows, nil, "(excluded.created_at, excluded.record_id) >= (current_slots.created_at, current_slots.record_id)")
}

// RecomputeLatest replaces the slot's row by one of its latest record, or removes it if the slot has no record.
func RecomputeLatest(tx *gorm.DB, organizationID int64, slot Slot) error {
	if err := tx.Exec(deleteCurrentSlot, organizationID, slot.EnvironmentID, slot.DeploymentName).Error; err != nil {
		return err
	}
	return tx.Exec(insertLatest+database.DialectOf(tx).Lock(database.Share, "a"), organizationID, slot.EnvironmentID, slot.DeploymentName).Error
}

// UnlockSlots removes the lock rows of slots that the transaction has locked and that have no record.
func UnlockSlots(tx *gorm.DB, organizationID int64, slots []Slot) error {
	if len(slots) == 0 || database.DialectOf(tx) == database.SQLite {
		return nil
	}
	return tx.Where("organization_id = ? AND (environment_id, deployment_name) IN (?)", organizationID,
		tx.Table("? AS unused", SlotSet(slots)).Select("environment_id, deployment_name")).Delete(&SlotLock{}).Error
}
