// Package quotas limits how many names and slots recordings add to an organization.
//
// A recording that adds some reads how many there are, and rejects what exceeds a limit. The last statements of its
// transaction add its own to the organization's row of organization_usage, which stays locked until the commit, and compare
// again. Of two recordings that add the last name, the second one finds the number outdated and runs again. So the limits
// are exact, and recordings that add something wait for each other's commit only. Those that add nothing read no number.
//
// The row is not the one of organizations, because an import locks that one until it ends. Slots are not in the row: the
// counters of listings have their number. Imports count what they add and obey no limit, because an import is a command of
// the operator.
package quotas

import "gorm.io/gorm"

// Limits are the maximum numbers in an organization. Zero is no limit.
type Limits struct {
	Environments, LogicalEnvironments, Projects, ProjectVersions int64
	// Deployments limits slots: deployment names, counted in each environment.
	Deployments int64
	// IdempotencyKeys limits the keys that are valid at the same time. Package idempotency applies it.
	IdempotencyKeys int64
}

// Usage has the numbers of an organization's names, a row of organization_usage.
type Usage struct {
	Environments, LogicalEnvironments, Projects, ProjectVersions int64
}

const (
	columns = "environments, logical_environments, projects, project_versions"

	selectUsage = `SELECT ` + columns + ` FROM organization_usage WHERE organization_id = ?`

	addUsage = `INSERT INTO organization_usage AS u (organization_id, ` + columns + `) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organization_id) DO UPDATE SET environments = u.environments + excluded.environments,
  logical_environments = u.logical_environments + excluded.logical_environments,
  projects = u.projects + excluded.projects, project_versions = u.project_versions + excluded.project_versions
RETURNING ` + columns

	countNames = `SELECT (SELECT count(*) FROM environments WHERE organization_id = ?) AS environments,
  (SELECT count(*) FROM logical_environments WHERE organization_id = ?) AS logical_environments,
  (SELECT count(*) FROM projects WHERE organization_id = ?) AS projects,
  (SELECT count(*) FROM project_versions v JOIN projects p ON p.id = v.project_id WHERE p.organization_id = ?) AS project_versions`
)

// Read returns the stored numbers of an organization, zeros if none are.
func Read(tx *gorm.DB, organizationID int64) (usage Usage, err error) {
	err = tx.Raw(selectUsage, organizationID).Scan(&usage).Error
	return usage, err
}

// Count returns the numbers of an organization by counting its names.
func Count(tx *gorm.DB, organizationID int64) (usage Usage, err error) {
	err = tx.Raw(countNames, organizationID, organizationID, organizationID, organizationID).Scan(&usage).Error
	return usage, err
}

// Add adds to the stored numbers, which it locks until the transaction ends, and returns the sums.
func Add(tx *gorm.DB, organizationID int64, added Usage) (sums Usage, err error) {
	err = tx.Raw(addUsage, organizationID, added.Environments, added.LogicalEnvironments, added.Projects, added.ProjectVersions).Scan(&sums).Error
	return sums, err
}

// Repair replaces the stored numbers by counted ones. It locks them before it counts: a recording that has added its names to
// them is committed then, and one that has not adds its names afterwards.
func Repair(tx *gorm.DB, organizationID int64) error {
	stored, err := Add(tx, organizationID, Usage{})
	if err != nil {
		return err
	}
	counted, err := Count(tx, organizationID)
	if err != nil || counted == stored {
		return err
	}
	_, err = Add(tx, organizationID, Usage{
		counted.Environments - stored.Environments, counted.LogicalEnvironments - stored.LogicalEnvironments,
		counted.Projects - stored.Projects, counted.ProjectVersions - stored.ProjectVersions,
	})
	return err
}
