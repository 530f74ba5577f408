package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// versionKey names a version within the database.
type versionKey struct {
	projectID int64
	name      string
}

// projectVersions adds the project versions that the entries name to their artifacts (I3: they add up).
func (m *importing) projectVersions() error {
	var names []string
	for item := range m.sound() {
		for _, pv := range item.ProjectVersions {
			names = append(names, pv.ProjectName)
		}
	}
	if len(names) == 0 {
		return nil
	}
	projects, err := m.projects(distinct(names))
	if err != nil {
		return err
	}

	artifacts := make(map[versionKey][]string)
	var keys []versionKey
	for item := range m.sound() {
		for _, pv := range item.ProjectVersions {
			key := versionKey{projects[pv.ProjectName], pv.VersionName}
			keys = append(keys, key)
			artifacts[key] = append(artifacts[key], item.Record.ArtifactID)
		}
	}
	versions, err := m.versions(distinct(keys))
	if err != nil {
		return err
	}
	var links []projectVersionArtifactRow
	for _, key := range distinct(keys) {
		for _, artifactID := range distinct(artifacts[key]) {
			links = append(links, projectVersionArtifactRow{ProjectVersionID: versions[key], ArtifactID: artifactID})
		}
	}
	return createAll(m.tx.Clauses(clause.OnConflict{DoNothing: true}), links)
}

// projects gives the ids of the named projects and makes those that are new.
func (m *importing) projects(names []string) (map[string]int64, error) {
	var rows []projectRow
	if err := m.tx.Where("organization_id = ? AND "+m.engine.oneOf("name"), m.organizationID, jsonList(names)).Find(&rows).Error; err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(names))
	for _, row := range rows {
		ids[row.Name] = row.ID
	}
	for _, name := range names {
		if _, ok := ids[name]; ok {
			continue
		}
		row := projectRow{OrganizationID: m.organizationID, Name: name}
		if err := m.tx.Create(&row).Error; err != nil {
			return nil, err
		}
		ids[name] = row.ID
	}
	return ids, nil
}

// versions gives the ids of the keys' project versions and makes those that are new.
func (m *importing) versions(keys []versionKey) (map[versionKey]int64, error) {
	var names []string
	for _, key := range keys {
		names = append(names, key.name)
	}
	rows, err := findVersions(m.tx, m.engine, m.organizationID, names)
	if err != nil {
		return nil, err
	}
	ids := make(map[versionKey]int64, len(keys))
	for _, row := range rows {
		ids[versionKey{row.ProjectID, row.Name}] = row.ID
	}
	for _, key := range keys {
		if _, ok := ids[key]; ok {
			continue
		}
		row := projectVersionRow{ProjectID: key.projectID, Name: key.name}
		if err := m.tx.Create(&row).Error; err != nil {
			return nil, err
		}
		ids[key] = row.ID
	}
	return ids, nil
}

// findVersions finds the versions of these names, of whichever project.
func findVersions(tx *gorm.DB, engine engine, organizationID int64, names []string) ([]projectVersionRow, error) {
	var rows []projectVersionRow
	err := tx.Select("project_versions.*").Joins("JOIN projects ON projects.id = project_versions.project_id").
		Where("projects.organization_id = ? AND "+engine.oneOf("project_versions.name"), organizationID, jsonList(distinct(names))).
		Find(&rows).Error
	return rows, err
}
