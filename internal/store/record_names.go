package store

import (
	"cmp"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// names gives the items the ids of what they name, makes what is not known or, if names are not to be made, refuses
// the items that have them.
func (w *recording) names() error {
	var environments, stages, projects []string
	for _, item := range w.sound() {
		environments = append(environments, item.EnvironmentName)
		if item.LogicalEnvironmentName != "" {
			stages = append(stages, item.LogicalEnvironmentName)
		}
		for _, pv := range item.ProjectVersions {
			projects = append(projects, pv.ProjectName)
		}
	}
	if s := w.batch.Snapshot; s != nil {
		environments = append(environments, s.EnvironmentName)
	}
	environmentIDs, err := w.namedIDs("environments", environments)
	if err != nil {
		return err
	}
	if s := w.batch.Snapshot; s != nil && environmentIDs[s.EnvironmentName] == "" {
		return &deployments.BatchError{Violations: []deployments.Violation{{Field: "environment_name", Message: deployments.Quote(s.EnvironmentName) + " is not known"}}}
	}
	stageIDs, err := w.namedIDs("logical_environments", stages)
	if err != nil {
		return err
	}
	finder := namesFinder{tx: w.tx, engine: w.engine, organizationID: w.organizationID, create: w.batch.AutoCreate}
	projectIDs, err := finder.projectIDs(projects)
	if err != nil {
		return err
	}
	var keys []versionKey
	for _, item := range w.sound() {
		for _, pv := range item.ProjectVersions {
			if id, ok := projectIDs[pv.ProjectName]; ok {
				keys = append(keys, versionKey{id, pv.VersionName})
			}
		}
	}
	versionIDs, err := finder.versionIDs(keys)
	if err != nil {
		return err
	}

	for _, item := range w.sound() {
		unknown := func(field, name string) {
			item.Violations = append(item.Violations, deployments.Violation{Field: field, Message: deployments.Quote(name) + " is not known"})
		}
		var ok bool
		if item.environmentID, ok = environmentIDs[item.EnvironmentName]; !ok {
			unknown("environment_name", item.EnvironmentName)
		}
		if item.LogicalEnvironmentName != "" {
			if item.logicalEnvironmentID, ok = stageIDs[item.LogicalEnvironmentName]; !ok {
				unknown("logical_environment_name", item.LogicalEnvironmentName)
			}
		}
		for _, pv := range item.ProjectVersions {
			projectID, ok := projectIDs[pv.ProjectName]
			if !ok {
				unknown("project_versions.project_name", pv.ProjectName)
				continue
			}
			versionID, ok := versionIDs[versionKey{projectID, pv.VersionName}]
			if !ok {
				unknown("project_versions.project_version_name", pv.VersionName)
			}
			item.versionIDs = append(item.versionIDs, versionID)
		}
	}
	return nil
}

// namedIDs finds, and makes where names are made, the rows of environments or logical_environments.
func (w *recording) namedIDs(table string, names []string) (map[string]string, error) {
	names = sorted(names)
	ids := make(map[string]string, len(names))
	find := func() error {
		if len(names) == 0 {
			return nil
		}
		var rows []namedRow
		err := w.tx.Table(table).Where("organization_id = ? AND "+w.engine.oneOf("name"), w.organizationID, jsonList(names)).Find(&rows).Error
		for _, row := range rows {
			ids[row.Name] = row.ID
		}
		return err
	}
	if err := find(); err != nil || len(ids) == len(names) || !w.batch.AutoCreate {
		return ids, err
	}
	var made []namedRow
	for _, name := range names {
		if _, ok := ids[name]; !ok {
			made = append(made, namedRow{ID: w.newID(), OrganizationID: w.organizationID, Name: name})
		}
	}
	// Another may make the same name at the same time: its row is then the one that counts, once it is committed.
	if err := createAll(w.tx.Table(table).Clauses(clause.OnConflict{DoNothing: true}), made); err != nil {
		return nil, err
	}
	return ids, find()
}

// namesFinder finds projects and their versions and, if create says so, makes those that are not known.
type namesFinder struct {
	tx             *gorm.DB
	engine         engine
	organizationID int64
	create         bool
}

func (f namesFinder) projectIDs(names []string) (map[string]int64, error) {
	names = sorted(names)
	ids := make(map[string]int64, len(names))
	find := func() error {
		if len(names) == 0 {
			return nil
		}
		var rows []projectRow
		err := f.tx.Where("organization_id = ? AND "+f.engine.oneOf("name"), f.organizationID, jsonList(names)).Find(&rows).Error
		for _, row := range rows {
			ids[row.Name] = row.ID
		}
		return err
	}
	if err := find(); err != nil || len(ids) == len(names) || !f.create {
		return ids, err
	}
	var made []projectRow
	for _, name := range names {
		if _, ok := ids[name]; !ok {
			made = append(made, projectRow{OrganizationID: f.organizationID, Name: name})
		}
	}
	if err := createAll(f.tx.Clauses(clause.OnConflict{DoNothing: true}), made); err != nil {
		return nil, err
	}
	return ids, find()
}

// versionIDs may give more versions than are asked for.
func (f namesFinder) versionIDs(keys []versionKey) (map[versionKey]int64, error) {
	keys = distinct(keys)
	slices.SortFunc(keys, func(a, b versionKey) int {
		return cmp.Or(cmp.Compare(a.projectID, b.projectID), cmp.Compare(a.name, b.name))
	})
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.name
	}
	ids := make(map[versionKey]int64, len(keys))
	find := func() error {
		if len(keys) == 0 {
			return nil
		}
		rows, err := f.findVersions(names)
		for _, row := range rows {
			ids[versionKey{row.ProjectID, row.Name}] = row.ID
		}
		return err
	}
	if err := find(); err != nil || !f.create {
		return ids, err
	}
	var made []projectVersionRow
	for _, key := range keys {
		if _, ok := ids[key]; !ok {
			made = append(made, projectVersionRow{ProjectID: key.projectID, Name: key.name})
		}
	}
	if len(made) == 0 {
		return ids, nil
	}
	if err := createAll(f.tx.Clauses(clause.OnConflict{DoNothing: true}), made); err != nil {
		return nil, err
	}
	return ids, find()
}

// findVersions finds the versions of these names, of whichever project.
func (f namesFinder) findVersions(names []string) ([]projectVersionRow, error) {
	var rows []projectVersionRow
	err := f.tx.Select("project_versions.*").Joins("JOIN projects ON projects.id = project_versions.project_id").
		Where("projects.organization_id = ? AND "+f.engine.oneOf("project_versions.name"), f.organizationID, jsonList(distinct(names))).
		Find(&rows).Error
	return rows, err
}

// sorted gives each name once, in an order that all writers share, so that they wait for each other in one direction.
func sorted(names []string) []string {
	names = distinct(names)
	slices.Sort(names)
	return names
}

func compareLinks(a, b projectVersionArtifactRow) int {
	return cmp.Or(cmp.Compare(a.ProjectVersionID, b.ProjectVersionID), cmp.Compare(a.ArtifactID, b.ArtifactID))
}
