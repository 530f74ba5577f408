package store

import "maps"

// versionKey names a version within the database.
type versionKey struct {
	projectID int64
	name      string
}

// projectsFound are the projects, versions and links that the import has come upon or has made.
type projectsFound struct {
	projects map[string]int64
	versions map[versionKey]int64
	links    map[projectVersionArtifactRow]bool
}

func (f *projectsFound) forget() {
	f.projects, f.versions = make(map[string]int64), make(map[versionKey]int64)
	f.links = make(map[projectVersionArtifactRow]bool)
}

// findProjectVersions finds the project versions that the entries name, and makes those that are new.
func (m *importing) findProjectVersions() error {
	found := m.projects
	if len(found.links) == 0 || max(len(found.projects), len(found.versions), len(found.links)) > m.limits.known {
		found.forget()
	}
	finder := namesFinder{tx: m.tx, engine: m.engine, organizationID: m.organizationID, create: true}

	var names []string
	for item := range m.sound() {
		for _, pv := range item.ProjectVersions {
			if _, ok := found.projects[pv.ProjectName]; !ok {
				names = append(names, pv.ProjectName)
			}
		}
	}
	projects, err := finder.projectIDs(names)
	if err != nil {
		return err
	}
	maps.Copy(found.projects, projects)
	var keys []versionKey
	for item := range m.sound() {
		for _, pv := range item.ProjectVersions {
			key := versionKey{found.projects[pv.ProjectName], pv.VersionName}
			if _, ok := found.versions[key]; !ok {
				keys = append(keys, key)
			}
		}
	}
	versions, err := finder.versionIDs(keys)
	if err != nil {
		return err
	}
	maps.Copy(found.versions, versions)
	return nil
}

// linkProjectVersions adds the project versions that the entries name to their artifacts (I3: they add up).
func (m *importing) linkProjectVersions() error {
	found := m.projects
	if len(m.sets) > m.limits.known {
		clear(m.sets)
	}
	var links []projectVersionArtifactRow
	for item := range m.sound() {
		for _, pv := range item.ProjectVersions {
			key := versionKey{found.projects[pv.ProjectName], pv.VersionName}
			link := projectVersionArtifactRow{ProjectVersionID: found.versions[key], ArtifactID: item.Record.ArtifactID}
			if !found.links[link] {
				found.links[link] = true
				links = append(links, link)
			}
		}
	}
	links, err := missingLinks(m.tx, m.engine, links)
	if err != nil {
		return err
	}
	changed, err := link(m.tx, m.engine, links, m.fresh)
	maps.Copy(m.sets, changed)
	m.slots.renewSets(changed)
	m.unwritten.renewSets(changed)
	return err
}

// readProjectSets reads the project sets of the batch's artifacts, and holds these as project_sets.go says.
func (m *importing) readProjectSets() error {
	var ids []string
	for item := range m.sound() {
		id := item.Record.ArtifactID
		if _, ok := m.sets[id]; ok {
			continue
		}
		if m.fresh[id] {
			m.sets[id] = 0 // a link would have said otherwise
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	sets, err := shareArtifacts(m.tx, m.engine, distinct(ids))
	maps.Copy(m.sets, sets)
	return err
}
