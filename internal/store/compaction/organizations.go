package compaction

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
)

const (
	selectOrganizationsWithDeltas = `SELECT o.id, o.key FROM organizations o WHERE EXISTS (SELECT 1 FROM list_changes c WHERE c.organization_id = o.id)`

	selectOrganizationsWithoutMilestones = `SELECT o.id, o.key FROM organizations o
WHERE EXISTS (SELECT 1 FROM list_totals t WHERE t.organization_id = o.id AND t.latest = false AND t.environment_id = '` + counts.AnyID + `'
  AND t.logical_environment_id = '` + counts.AnyID + `' AND t.deployment_name = '' AND t.status = 0 AND t.kind = 0 AND t.project_set_id = 0 AND t.n > ?)
AND NOT EXISTS (SELECT 1 FROM list_positions m WHERE m.organization_id = o.id)`
)

// organization is one whose counters need work.
type organization struct {
	ID  int64
	Key string
}

// organizationsWithDeltas returns the organizations that have pending deltas.
func organizationsWithDeltas(tx *gorm.DB) (found []organization, err error) {
	err = tx.Raw(selectOrganizationsWithDeltas).Scan(&found).Error
	return found, err
}

// organizationsWithoutMilestones returns the organizations that need milestones at an interval and have none.
func organizationsWithoutMilestones(tx *gorm.DB, milestoneInterval int64) (found []organization, err error) {
	err = tx.Raw(selectOrganizationsWithoutMilestones, 2*milestoneInterval).Scan(&found).Error
	return found, err
}
