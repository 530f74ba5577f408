package audit

import (
	"context"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/compaction"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	deleteTotals     = `DELETE FROM list_totals WHERE organization_id = ?`
	deleteMilestones = `DELETE FROM list_positions WHERE organization_id = ?`
	deleteArtifacts  = `DELETE FROM counted_artifacts WHERE organization_id = ?` // they are counted again on demand

	// insertRecordsAsDeltas inserts records - pending deltas as deltas: by the equation of package counts, this difference is
	// missing from empty counters. One statement reads both, so that a concurrent commit is in both or in neither.
	insertRecordsAsDeltas = `INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
SELECT CAST(? AS bigint), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1 FROM deployment_records WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), true, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM current_slots WHERE organization_id = ?
UNION ALL
SELECT CAST(? AS bigint), latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -n FROM list_changes WHERE organization_id = ?`
)

// Repair recomputes the counters, project sets and latest records of an organization from its records and links, and lowers
// updated_at and last_seen_at that lie ahead of the clock. Listings are exact when it returns. Writers continue meanwhile, except those of a slot under repair.
func (a *Auditor) Repair(ctx context.Context, organization string) error {
	err := a.db.WriteRetrying(ctx, func(tx *gorm.DB) error {
		id, err := schema.LockOrganization(tx, organization)
		if err != nil {
			return err
		}
		if err := repairProjectSets(tx, id); err != nil {
			return err
		}
		if err := repairTimes(tx, id); err != nil {
			return err
		}
		if err := repairSlots(tx, id); err != nil {
			return err
		}
		if err := a.repairCounters(tx, id); err != nil {
			return err
		}
		return quotas.Repair(tx, id)
	})
	return a.db.MapError(ctx, err)
}

func (a *Auditor) repairCounters(tx *gorm.DB, id int64) error {
	if err := compaction.Lock(tx, id); err != nil {
		return err
	}
	for _, statement := range []string{deleteTotals, deleteMilestones, deleteArtifacts} {
		if err := tx.Exec(statement, id).Error; err != nil {
			return err
		}
	}
	return a.compactor.CompactIsolated(tx, id, func(partition int64) error {
		return tx.Exec(insertRecordsAsDeltas, partition, id, partition, id, partition, id).Error
	})
}

// repairSlots recomputes the slots whose row is not that of their latest record. A concurrent recorder waits for the row, and
// then advances it if its record is newer.
func repairSlots(tx *gorm.DB, organizationID int64) error {
	v := &verifier{tx: tx, organizationID: organizationID, result: &Verification{}}
	if err := v.verifyRecords(counts.NewAggregator()); err != nil {
		return err
	}
	for _, slot := range schema.SortSlots(v.wrongSlots) {
		if err := schema.RecomputeLatest(tx, organizationID, slot); err != nil {
			return err
		}
	}
	return nil
}
