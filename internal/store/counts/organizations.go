package counts

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	selectOrganizationsWithDeltas = `SELECT o.id FROM organizations o WHERE EXISTS (SELECT 1 FROM list_changes c WHERE c.organization_id = o.id)`

	selectOrganizationsWithoutMilestones = `SELECT o.id FROM organizations o
WHERE EXISTS (SELECT 1 FROM list_totals t WHERE t.organization_id = o.id AND t.latest = false AND ` + withoutFilters + ` AND t.project_set_id = 0 AND t.n > ?)
AND NOT EXISTS (SELECT 1 FROM long_list_milestones m WHERE m.organization_id = o.id)`
)

// OrganizationsWithDeltas returns the organizations that have pending deltas.
func OrganizationsWithDeltas(tx *gorm.DB) ([]int64, error) {
	return database.Column[int64](tx.Raw(selectOrganizationsWithDeltas))
}

// OrganizationsWithoutMilestones returns the organizations that need milestones at an interval and have none.
func OrganizationsWithoutMilestones(tx *gorm.DB, milestoneInterval int64) ([]int64, error) {
	return database.Column[int64](tx.Raw(selectOrganizationsWithoutMilestones, 2*milestoneInterval))
}
