package counts

import (
	"cmp"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// selectLongProjects selects the long lists by a project that get milestones (Filters.HasMilestones).
const (
	selectLongProjects = `SELECT m.project_id, ` + projectColumns + `, CAST(sum(t.n) AS bigint) AS n
FROM list_totals t JOIN project_set_members m ON m.project_set_id = t.project_set_id
WHERE t.organization_id = ? AND t.latest = false AND t.project_set_id > 0
GROUP BY m.project_id, ` + projectColumns + ` HAVING sum(t.n) > ?`
	projectColumns = "t.environment_id, t.logical_environment_id, t.deployment_name, t.status, t.kind"
)

// total is a row of list_totals.
type total struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Dimensions
	N int64
}

// TableName implements gorm's Tabler.
func (total) TableName() string { return "list_totals" }

// ReadTotals returns the stored totals of an organization.
func ReadTotals(tx *gorm.DB, organizationID int64) (map[Key]int64, error) {
	var rows []total
	err := tx.Where("organization_id = ?", organizationID).Find(&rows).Error
	totals := make(map[Key]int64, len(rows))
	for _, row := range rows {
		totals[keyOf(row.Dimensions)] = row.N
	}
	return totals, err
}

// LongLists returns the lengths of the lists that have milestones once they are longer than a threshold, and are, without pending
// deltas.
func LongLists(tx *gorm.DB, organizationID, threshold int64) (map[Key]int64, error) {
	var totals []total
	err := tx.Where("organization_id = ? AND NOT latest AND n > ?", organizationID, threshold).Find(&totals).Error
	if err != nil {
		return nil, err
	}
	var projects []struct {
		ProjectID, N int64
		Columns
	}
	err = tx.Raw(selectLongProjects, organizationID, threshold).Scan(&projects).Error
	lists := make(map[Key]int64)
	for _, total := range totals {
		if key := keyOf(total.Dimensions); key.hasMilestones() {
			lists[key] = total.N
		}
	}
	if err != nil {
		return nil, err
	}
	for _, project := range projects {
		lists[keyOf(Dimensions{Columns: project.Columns}).ofProject(project.ProjectID)] = project.N
	}
	artifacts, err := ReadArtifacts(tx, organizationID)
	for id, n := range artifacts {
		if n > threshold {
			lists[ArtifactKey(id)] = n
		}
	}
	return lists, err
}

// AddTotals adds the sums of an aggregator to the stored totals.
func AddTotals(tx *gorm.DB, organizationID int64, sums *Aggregator) error {
	totals := sums.Totals()
	rows := make([]total, 0, len(totals))
	for key, n := range totals {
		rows = append(rows, total{OrganizationID: organizationID, Dimensions: key.Dimensions, N: n})
	}
	// Neighbours in the table are written one after the other.
	slices.SortFunc(rows, func(a, b total) int {
		return cmp.Or(cmp.Compare(a.EnvironmentID, b.EnvironmentID), cmp.Compare(a.DeploymentName, b.DeploymentName))
	})
	if err := database.Upsert(tx, rows, clause.Assignments(map[string]any{"n": gorm.Expr("list_totals.n + excluded.n")}), ""); err != nil {
		return err
	}
	return addToArtifacts(tx, organizationID, sums.artifacts)
}
