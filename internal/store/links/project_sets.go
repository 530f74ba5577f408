package links

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// A project set is the set of all projects that an artifact belongs to, as one number. An index yields the records of a set
// in list order, and counters count them. It changes when the artifact is linked to a version of another project.

const (
	// membersOfArtifact is the set that the links of an artifact a make, in the form of project_sets.members; NULL without
	// links. Each link looks up its version: PostgreSQL, which cannot know how few links an artifact has while an import
	// adds them, would join them to all versions for each artifact.
	membersOfArtifact = `(SELECT string_agg(CAST(project_id AS text), ',' ORDER BY project_id) FROM (
    SELECT DISTINCT (SELECT pv.project_id FROM project_versions pv WHERE pv.id = pva.project_version_id) AS project_id
    FROM project_version_artifacts pva WHERE pva.artifact_id = a.id) AS linked)`

	// SetOfArtifact is the id of that set: 0 without links, -1 if the set is not stored.
	SetOfArtifact = `coalesce((SELECT ps.id FROM project_sets ps WHERE ps.organization_id = a.organization_id AND ps.members = ` + membersOfArtifact + `),
  CASE WHEN EXISTS (SELECT 1 FROM project_version_artifacts pva WHERE pva.artifact_id = a.id) THEN -1 ELSE 0 END)`

	selectArtifacts = `SELECT a.id, a.project_set_id FROM artifacts a WHERE a.id IN (?) ORDER BY a.id`

	updateSets = `UPDATE artifacts AS a SET project_set_id = ` + SetOfArtifact + `
WHERE id IN (?) AND project_set_id <> ` + SetOfArtifact + ` RETURNING id, project_set_id`

	insertSets = `INSERT INTO project_sets (organization_id, members)
SELECT DISTINCT organization_id, members FROM (
  SELECT organization_id, ` + membersOfArtifact + ` AS members FROM artifacts a WHERE id IN (?)) AS wanted
WHERE members IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM project_sets s WHERE s.organization_id = wanted.organization_id AND s.members = wanted.members)
ORDER BY organization_id, members ON CONFLICT DO NOTHING`

	insertMembers = `INSERT INTO project_set_members (project_id, project_set_id)
SELECT DISTINCT v.project_id, s.id
FROM artifacts a
JOIN project_sets s ON s.organization_id = a.organization_id AND s.members = ` + membersOfArtifact + `
JOIN project_version_artifacts l ON l.artifact_id = a.id JOIN project_versions v ON v.id = l.project_version_id
WHERE a.id IN (?) ON CONFLICT DO NOTHING`

	lockRecordsOfArtifacts = `SELECT count(*) FROM (SELECT 1 FROM deployment_records t WHERE artifact_id IN (?)
ORDER BY id FOR NO KEY UPDATE OF t) AS locked`

	updateRecordSets = `UPDATE deployment_records SET project_set_id = (SELECT a.project_set_id FROM artifacts a WHERE a.id = deployment_records.artifact_id)
WHERE artifact_id IN (?) AND project_set_id <> (SELECT a.project_set_id FROM artifacts a WHERE a.id = deployment_records.artifact_id)`

	lockSlotsOfArtifacts = `SELECT count(*) FROM (SELECT 1 FROM current_slots t WHERE artifact_id IN (?)
ORDER BY environment_id, deployment_name FOR NO KEY UPDATE OF t) AS locked`

	updateSlotSets = `UPDATE current_slots SET project_set_id = (SELECT a.project_set_id FROM artifacts a WHERE a.id = current_slots.artifact_id)
WHERE artifact_id IN (?) AND project_set_id <> (SELECT a.project_set_id FROM artifacts a WHERE a.id = current_slots.artifact_id)`
)

// LockArtifacts blocks other writers of links to the artifacts and of their records.
func LockArtifacts(tx *gorm.DB, ids []string) error {
	if len(ids) == 0 || database.DialectOf(tx) == database.SQLite {
		return nil
	}
	return tx.Raw(database.PostgreSQL.SearchSets(selectArtifacts)+database.PostgreSQL.Lock(database.NoKeyUpdate, "a"), database.IDs(ids)).Scan(&[]schema.Artifact{}).Error
}

// ShareArtifacts blocks other writers of links to the artifacts, and returns the artifacts' project sets.
func ShareArtifacts(tx *gorm.DB, ids []string) (map[string]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []schema.Artifact
	dialect := database.DialectOf(tx)
	err := tx.Raw(dialect.SearchSets(selectArtifacts)+dialect.Lock(database.Share, "a"), database.IDs(ids)).Scan(&rows).Error
	return setsOf(rows), err
}

func setsOf(artifacts []schema.Artifact) map[string]int64 {
	sets := make(map[string]int64, len(artifacts))
	for _, artifact := range artifacts {
		sets[artifact.ID] = artifact.ProjectSetID
	}
	return sets
}

// RecomputeSets updates the project sets of artifacts, which the caller has locked, and returns those that change.
func RecomputeSets(tx *gorm.DB, ids []string) (changed map[string]int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	set := database.IDs(ids)
	if err := ensureSets(tx, set); err != nil {
		return nil, err
	}
	var rows []schema.Artifact
	err = tx.Raw(database.DialectOf(tx).SearchSets(updateSets), set).Scan(&rows).Error
	return setsOf(rows), err
}

// ensureSets stores the sets of the artifacts that are not stored yet. Sets are few, and a new one is rare.
func ensureSets(tx *gorm.DB, ids database.JSONSet) error {
	dialect := database.DialectOf(tx)
	inserted := tx.Exec(dialect.SearchSets(insertSets), ids)
	if inserted.Error != nil || inserted.RowsAffected == 0 {
		return inserted.Error // the writer of a set stores its members with it
	}
	return tx.Exec(dialect.SearchSets(insertMembers), ids).Error
}

// PropagateSets copies the project sets of artifacts, which the caller has locked, to their records and current_slots.
func PropagateSets(tx *gorm.DB, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	statements := []string{lockRecordsOfArtifacts, updateRecordSets, lockSlotsOfArtifacts, updateSlotSets}
	if database.DialectOf(tx) == database.SQLite {
		statements = []string{updateRecordSets, updateSlotSets}
	}
	set := database.IDs(ids)
	for _, statement := range statements {
		if err := tx.Exec(database.DialectOf(tx).SearchSets(statement), set).Error; err != nil {
			return err
		}
	}
	return nil
}
