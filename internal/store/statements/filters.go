package statements

import (
	"fmt"

	"gorm.io/gorm"
)

// filters narrows deployment_records, current_slots and list_changes by columns that all three have (L2).
func (s Shape) filters(db *gorm.DB) *gorm.DB {
	db = db.Where("organization_id = " + named("organization_id"))
	if s.Environment {
		db = db.Where(s.tested("environment_id = " + named("environment_id")))
	}
	if s.LogicalEnvironment {
		db = db.Where(s.tested("logical_environment_id = " + named("logical_environment_id")))
	}
	if s.DeploymentName {
		db = db.Where(s.tested("deployment_name = ?"), deploymentName)
	}
	if s.Status {
		db = db.Where(s.tested(fmt.Sprintf("status = %d", s.statusValue)))
	}
	if s.Kind {
		db = db.Where(s.tested(fmt.Sprintf("kind = %d", s.kindValue)))
	}
	return db
}

// tested returns a condition. In a scoped statement, no index serves it: it is tested on each record of the project.
func (s Shape) tested(condition string) string {
	if s.scoped {
		return "coalesce(" + condition + ", false)"
	}
	return condition
}

// artifactFilters narrows deployment_records and current_slots by the digest and the project version of their artifact (L4).
// For projects, it only adds the condition of the partial indexes: matchingRecords and read narrow to the project sets.
func (s Shape) artifactFilters(db *gorm.DB) *gorm.DB {
	digest, version := ofDigest, ofVersion
	if s.scoped {
		table := "deployment_records"
		if s.Latest {
			table = "current_slots"
		}
		digest, version = fmt.Sprintf(hasDigest, table), fmt.Sprintf(hasVersion, table)
	}
	if s.artifactDigest {
		db = db.Where(s.tested(digest), artifactDigest)
	}
	if s.projectVersion {
		db = db.Where(s.tested(version), projectName, projectVersionName)
	}
	if s.Projects > 0 {
		db = db.Where("project_set_id > 0")
	}
	return db
}

// The conditions on the artifact of a record begin with the artifacts that have the digest or the project version, or with the
// artifact of the record.
var (
	ofDigest        = "artifact_id IN (SELECT id FROM artifacts WHERE organization_id = " + named("organization_id") + " AND digest = ?)"
	hasDigest       = "(SELECT digest FROM artifacts WHERE artifacts.id = %s.artifact_id) = ?"
	ofVersion       = "artifact_id IN (" + selectOfVersion + ")"
	selectOfVersion = "SELECT artifact_id FROM projects JOIN project_versions ON project_id = projects.id" +
		" JOIN project_version_artifacts ON project_version_id = project_versions.id" +
		" WHERE projects.organization_id = " + named("organization_id") + " AND projects.name = ? AND project_versions.name = ?"
	hasVersion = "(SELECT 1 FROM project_version_artifacts l WHERE l.artifact_id = %s.artifact_id" +
		" AND l.project_version_id = coalesce((SELECT project_versions.id FROM projects JOIN project_versions ON project_id = projects.id" +
		" WHERE projects.organization_id = " + named("organization_id") + " AND projects.name = ? AND project_versions.name = ?), 0)) = 1"
)
