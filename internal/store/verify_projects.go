package store

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// projectSets compares the sets of projects with the links that make them: from links to artifacts, from these to
// records, and from these to slots, which records has compared.
func (v *verifying) projectSets() error {
	sets, err := wrongSets(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	for _, set := range sets {
		v.found.fault("the project set %d is not of the projects %s", set.ID, set.Members)
	}
	artifacts, err := wrongArtifacts(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	for _, id := range artifacts {
		v.found.fault("the artifact %s has a project set that its links do not make", id)
	}
	rows, err := v.tx.Raw("SELECT CAST(r.id AS text) FROM "+wrongRecords, v.organizationID).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		v.found.fault("the record %s has another project set than its artifact", id)
	}
	return rows.Err()
}

// knowSets tells the sums the members of each set, as the set says of itself.
func (v *verifying) knowSets(sums *tally) error {
	var sets []projectSetRow
	if err := v.tx.Raw("SELECT id, members FROM project_sets WHERE organization_id = ?", v.organizationID).Scan(&sets).Error; err != nil {
		return err
	}
	for _, set := range sets {
		sums.know(set.ID, set.Members)
	}
	return nil
}

type projectSetRow struct {
	ID      int64
	Members string
}

// wrongSets are sets whose rows in project_set_members are not what the set says of itself.
func wrongSets(tx *gorm.DB, organizationID int64) ([]projectSetRow, error) {
	var sets []projectSetRow
	err := tx.Raw(`SELECT s.id, s.members FROM project_sets s LEFT JOIN (
  SELECT project_set_id, string_agg(CAST(project_id AS text), ',' ORDER BY project_id) AS members FROM project_set_members GROUP BY project_set_id
) AS m ON m.project_set_id = s.id
WHERE s.organization_id = ? AND (m.members IS NULL OR m.members <> s.members) ORDER BY s.id`, organizationID).Scan(&sets).Error
	return sets, err
}

// wrongArtifacts are artifacts whose set is not that of their links.
func wrongArtifacts(tx *gorm.DB, organizationID int64) ([]string, error) {
	return readStrings(tx, "SELECT CAST(a.id AS text) FROM artifacts a WHERE a.organization_id = ? AND a.project_set_id <> "+
		projectSet("a.id", "a.organization_id")+" ORDER BY a.id", organizationID)
}

// wrongRecords are the records r of an organization whose set is not their artifact's.
const wrongRecords = `deployment_records r JOIN artifacts a ON a.id = r.artifact_id
WHERE r.organization_id = ? AND r.project_set_id <> a.project_set_id`

// repairProjectSets makes what projectSets finds as it should be. Slots are mended with their records, or by
// repairSlots.
func repairProjectSets(tx *gorm.DB, engine engine, organizationID int64) error {
	sets, err := wrongSets(tx, organizationID)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if err := repairMembers(tx, set); err != nil {
			return err
		}
	}
	artifacts, err := wrongArtifacts(tx, organizationID)
	if err != nil {
		return err
	}
	ofRecords, err := readStrings(tx, "SELECT DISTINCT CAST(a.id AS text) FROM "+wrongRecords, organizationID)
	if err != nil {
		return err
	}
	wrong := distinct(append(artifacts, ofRecords...))
	if err := holdArtifacts(tx, engine, wrong); err != nil {
		return err
	}
	if _, err := renewSets(tx, engine, wrong); err != nil {
		return err
	}
	return spreadSets(tx, engine, wrong)
}

// repairMembers stores which projects the set says that it has.
func repairMembers(tx *gorm.DB, set projectSetRow) error {
	if err := tx.Exec("DELETE FROM project_set_members WHERE project_set_id = ?", set.ID).Error; err != nil {
		return err
	}
	projects, err := parseMembers(set.Members)
	if err != nil {
		return fmt.Errorf("the project set %d says that its members are %s: %w", set.ID, deployments.Quote(set.Members), err)
	}
	for _, projectID := range projects {
		err := tx.Exec("INSERT INTO project_set_members (project_id, project_set_id) VALUES (?, ?)", projectID, set.ID).Error
		if err != nil {
			return err
		}
	}
	return nil
}
