package audit

import (
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/links"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// selectWrongSets selects the sets whose rows in project_set_members differ from their own column members.
	selectWrongSets = `SELECT s.id, s.members FROM project_sets s LEFT JOIN (
  SELECT project_set_id, string_agg(CAST(project_id AS text), ',' ORDER BY project_id) AS members FROM project_set_members GROUP BY project_set_id
) AS m ON m.project_set_id = s.id
WHERE s.organization_id = ? AND (m.members IS NULL OR m.members <> s.members) ORDER BY s.id`

	// selectWrongArtifacts selects the artifacts whose set is not that of their links.
	selectWrongArtifacts = `SELECT CAST(a.id AS text) FROM artifacts a
WHERE a.organization_id = ? AND a.project_set_id <> ` + links.SetOfArtifact + ` ORDER BY a.id`

	// wrongRecords are the records r whose set is not that of their artifact a.
	wrongRecords = ` FROM deployment_records r JOIN artifacts a ON a.id = r.artifact_id
WHERE r.organization_id = ? AND r.project_set_id <> a.project_set_id`

	selectWrongRecords = `SELECT CAST(r.id AS text)` + wrongRecords

	selectArtifactsOfWrongRecords = `SELECT DISTINCT CAST(a.id AS text)` + wrongRecords
)

// addSets adds the members of each project set, by its column members, to the sums.
func (v *verifier) addSets(sums *counts.Aggregator) error {
	var sets []schema.ProjectSet
	if err := v.tx.Where("organization_id = ?", v.organizationID).Find(&sets).Error; err != nil {
		return err
	}
	for _, set := range sets {
		sums.AddSet(set.ID, set.Members)
	}
	return nil
}

// verifyProjectSets compares project sets with the links that make them: from links to artifacts, and from these to records.
// verifyRecords compares records and slots.
func (v *verifier) verifyProjectSets() error {
	sets, err := wrongSets(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	for _, set := range sets {
		v.result.add("the project set %d is not of the projects %s", set.ID, set.Members)
	}
	artifacts, err := database.Column[string](v.tx.Raw(selectWrongArtifacts, v.organizationID))
	if err != nil {
		return err
	}
	for _, id := range artifacts {
		v.result.add("the artifact %s has a project set that its links do not make", id)
	}
	// There may be as many as records.
	return database.ForEachRow(v.tx.Raw(selectWrongRecords, v.organizationID), func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		v.result.add("the record %s has another project set than its artifact", id)
		return err
	})
}

func wrongSets(tx *gorm.DB, organizationID int64) (sets []schema.ProjectSet, err error) {
	err = tx.Raw(selectWrongSets, organizationID).Scan(&sets).Error
	return sets, err
}

// repairProjectSets repairs the differences that verifyProjectSets finds. Slots are repaired with their records, or by
// repairSlots.
func repairProjectSets(tx *gorm.DB, organizationID int64) error {
	sets, err := wrongSets(tx, organizationID)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if err := repairMembers(tx, set); err != nil {
			return err
		}
	}
	artifacts, err := database.Column[string](tx.Raw(selectWrongArtifacts, organizationID))
	if err != nil {
		return err
	}
	ofRecords, err := database.Column[string](tx.Raw(selectArtifactsOfWrongRecords, organizationID))
	if err != nil {
		return err
	}
	wrong := slices.Concat(artifacts, ofRecords)
	if err := links.LockArtifacts(tx, wrong); err != nil {
		return err
	}
	if _, err := links.RecomputeSets(tx, wrong); err != nil {
		return err
	}
	return links.PropagateSets(tx, wrong)
}

// repairMembers replaces the rows of a set in project_set_members by those of its column members.
func repairMembers(tx *gorm.DB, set schema.ProjectSet) error {
	projects, err := schema.ParseMembers(set.Members)
	if err != nil {
		return fmt.Errorf("the project set %d has the members %s: %w", set.ID, deployments.Quote(set.Members), err)
	}
	members := make([]schema.ProjectSetMember, len(projects))
	for i, projectID := range projects {
		members[i] = schema.ProjectSetMember{ProjectID: projectID, ProjectSetID: set.ID}
	}
	if err := tx.Where("project_set_id = ?", set.ID).Delete(&schema.ProjectSetMember{}).Error; err != nil {
		return err
	}
	return database.CreateAll(tx, members)
}
