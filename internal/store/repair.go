package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Repair makes the counts of an organization, the project sets and the latest records of its slots anew from its records
// and their links. Lists are right when it returns; writers go on meanwhile, except those of a slot that is being mended.
func (s *Store) Repair(ctx context.Context, organization string) error {
	err := s.writeAgain(ctx, func(tx *gorm.DB) error {
		var row organizationRow
		// Imports wait, or are waited for, before either holds anything else.
		if err := tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Where("key = ?", organization).Take(&row).Error; err != nil {
			return err
		}
		if err := repairProjectSets(tx, s.engine, row.ID); err != nil {
			return err
		}
		if err := repairSlots(tx, s.engine, row.ID); err != nil {
			return err
		}
		if err := s.engine.holdCounts(tx, row.ID); err != nil {
			return err
		}
		for _, table := range []string{"list_totals", "long_list_milestones"} {
			if err := tx.Exec("DELETE FROM "+table+" WHERE organization_id = ?", row.ID).Error; err != nil {
				return err
			}
		}
		// With no counts, what is to be folded must be all records, less what is pending. One statement reads both: what
		// a writer commits meanwhile is in both or in neither.
		apart, err := s.engine.noteApart(tx, row.ID)
		if err != nil {
			return err
		}
		err = tx.Exec(`INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
SELECT CAST(? AS bigint), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1 FROM deployment_records WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), true, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM current_slots WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -n FROM list_changes WHERE organization_id = ?`,
			apart, row.ID, apart, row.ID, apart, row.ID).Error
		if err != nil {
			return err
		}
		return foldAll(tx, s.engine, row.ID, apart, s.spacing)
	})
	return databaseError(ctx, err)
}

// repairSlots finds the latest record of each slot anew whose row is not that. Whoever records in the slot meanwhile
// waits for its row, and then moves it on if it has a newer one.
func repairSlots(tx *gorm.DB, engine engine, organizationID int64) error {
	v := &verifying{tx: tx, organizationID: organizationID, found: &Verification{}}
	if err := v.records(newTally(nil)); err != nil {
		return err
	}
	slices.SortFunc(v.wrongSlots, slotKey.compare) // as recorders hold them
	for _, slot := range v.wrongSlots {
		if err := findLatest(tx, engine, organizationID, slot); err != nil {
			return err
		}
	}
	return nil
}

// findLatest makes the slot's row from its records, or removes it if there are none.
func findLatest(tx *gorm.DB, engine engine, organizationID int64, slot slotKey) error {
	where := []any{organizationID, slot.environmentID, slot.deploymentName}
	err := tx.Exec("DELETE FROM current_slots WHERE organization_id = ? AND environment_id = ? AND deployment_name = ?", where...).Error
	if err != nil {
		return err
	}
	// The artifact is held, as project_sets.go says: its set may be changing at this moment.
	return tx.Exec(`INSERT INTO current_slots (organization_id, environment_id, deployment_name,
  record_id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at)
SELECT r.organization_id, r.environment_id, r.deployment_name, r.id, r.logical_environment_id, r.artifact_id, r.kind, r.status, a.project_set_id, r.created_at
FROM (
  SELECT * FROM deployment_records WHERE organization_id = ? AND environment_id = ? AND deployment_name = ?
  ORDER BY created_at DESC, id DESC LIMIT 1) AS r JOIN artifacts a ON a.id = r.artifact_id`+engine.forShare("a"), where...).Error
}
