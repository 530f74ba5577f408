package quotas

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

const selectSlots = `SELECT CAST(coalesce((SELECT sum(n) FROM list_totals WHERE organization_id = ? AND latest AND environment_id = ?
  AND logical_environment_id = ? AND status = 0 AND kind = 0 AND deployment_name = '' AND project_set_id = 0), 0)
+ coalesce((SELECT sum(n) FROM list_changes WHERE organization_id = ? AND latest), 0) AS bigint)`

// slots returns the number of an organization's slots: the total of the default listing.
func slots(tx *gorm.DB, organizationID int64) (int64, error) {
	n, err := database.Column[int64](tx.Raw(selectSlots, organizationID, counts.AnyID, counts.AnyID, organizationID))
	if err != nil {
		return 0, err
	}
	return n[0], nil
}
