package importing

import (
	"maps"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/links"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

func (w *work) resolveEnvironments() error {
	return w.resolveNames(w.environments, "environment_id", "environment_name", func(r *deployments.Record) (id, name *string) {
		return &r.EnvironmentID, &r.EnvironmentName
	})
}

func (w *work) resolveLogicalEnvironments() error {
	return w.resolveNames(w.logical, "logical_environment_id", "logical_environment_name", func(r *deployments.Record) (id, name *string) {
		return &r.LogicalEnvironmentID, &r.LogicalEnvironmentName
	})
}

// resolveNames sets the ids of the names in the entries, and rejects entries by which an id would have two names or a name
// two ids (I4).
func (w *work) resolveNames(names *schema.NameFinder, idField, nameField string, fields func(*deployments.Record) (id, name *string)) error {
	names.Limit(w.limits.Cache)
	refs := make([]schema.NameRef, 0, len(w.items))
	for item := range w.valid() {
		if id, name := fields(&item.Record); *name != "" {
			refs = append(refs, schema.NameRef{ID: *id, Name: *name})
		}
	}
	if err := names.Ensure(refs); err != nil {
		return err
	}
	for item := range w.valid() {
		id, name := fields(&item.Record)
		if *name == "" {
			continue
		}
		withID, idFound := names.ByID[*id]
		withName, nameFound := names.ByName[*name]
		switch {
		case idFound && withID.OrganizationID != w.organizationID:
			w.reject(item, idField, "%s belongs to another organization", *id)
		case idFound && withID.Name != *name:
			w.reject(item, idField, "%s is the id of %q already, and of %q here", *id, withID.Name, *name)
		case *id != "" && nameFound && withName.ID != *id:
			w.reject(item, nameField, "%q has the id %s already, and %s here", *name, withName.ID, *id)
		default:
			*id = withName.ID
		}
	}
	return nil
}

// resolveArtifacts sets the ids of the artifacts in the entries. Without an id, the four parts identify an artifact. With
// an id, the id identifies it, and entries that contradict its parts are rejected (I4).
func (w *work) resolveArtifacts() error {
	w.artifacts.Limit(w.limits.Cache)
	digests, ids := make([]string, 0, len(w.items)), make([]string, 0, len(w.items))
	for item := range w.valid() {
		digests, ids = append(digests, item.Record.Artifact.Digest), append(ids, item.Record.ArtifactID)
	}
	if err := w.artifacts.Find(digests, ids); err != nil {
		return err
	}
	for item := range w.valid() {
		w.resolveArtifact(item)
	}
	fresh, replaced, err := w.artifacts.Create("")
	if err != nil {
		return err
	}
	w.fresh = fresh
	for item := range w.valid() {
		if winner, ok := replaced[item.Record.ArtifactID]; ok {
			item.Record.ArtifactID = winner.ID
		}
	}
	return nil
}

func (w *work) resolveArtifact(item *item) {
	r := &item.Record
	if r.ArtifactID == "" {
		// A file that is loaded again means the same as the first time (I3).
		if stored, ok := w.artifacts.ByID[w.stored[r.ID].ArtifactID]; ok && stored.Parts() == r.Artifact {
			r.ArtifactID = stored.ID
		}
	}
	withID, idFound := w.artifacts.ByID[r.ArtifactID]
	withParts, partsFound := w.artifacts.ByParts[r.Artifact]
	switch {
	case idFound && withID.OrganizationID != w.organizationID:
		w.reject(item, "artifact_id", "%s belongs to another organization", r.ArtifactID)
	case idFound && withID.Parts() != r.Artifact:
		field, stored, here := firstDifference(withID.Parts(), r.Artifact)
		w.reject(item, field, "the artifact %s has %q already, and %q here", r.ArtifactID, stored, here)
	case idFound:
	case r.ArtifactID == "" && partsFound:
		r.ArtifactID = withParts.ID
	default:
		r.ArtifactID = w.artifacts.Add(r.ArtifactID, r.Artifact)
	}
}

func firstDifference(a, b deployments.Artifact) (field, valueA, valueB string) {
	switch {
	case a.Digest != b.Digest:
		return "artifact.digest", a.Digest, b.Digest
	case a.Kind != b.Kind:
		return "artifact.kind", a.Kind.String(), b.Kind.String()
	case a.Name != b.Name:
		return "artifact.name", a.Name, b.Name
	default:
		return "artifact.version", a.Version, b.Version
	}
}

// resolveProjectVersions finds or creates the project versions of the entries.
func (w *work) resolveProjectVersions() error {
	w.projects.Limit(w.limits.Cache)
	var versions []deployments.ProjectVersion
	for item := range w.valid() {
		versions = append(versions, item.ProjectVersions...)
	}
	return w.projects.Find(versions, true)
}

// addLinks adds the project versions of the entries to their artifacts (I3: they add up).
func (w *work) addLinks() error {
	if len(w.links) > w.limits.Cache {
		clear(w.links)
	}
	if len(w.sets) > w.limits.Cache {
		clear(w.sets)
	}
	var named []schema.Link
	for item := range w.valid() {
		for _, pv := range item.ProjectVersions {
			versionID, _ := w.projects.VersionID(pv)
			link := schema.Link{ProjectVersionID: versionID, ArtifactID: item.Record.ArtifactID}
			if !w.links[link] {
				w.links[link] = true
				named = append(named, link)
			}
		}
	}
	missing, err := links.Missing(w.tx, named)
	if err != nil {
		return err
	}
	changed, err := links.Add(w.tx, missing, w.fresh)
	maps.Copy(w.sets, changed)
	w.dirtySlots.updateSets(changed)
	w.reorderBuffer.updateSets(changed)
	return err
}

// readProjectSets reads the project sets of the batch's artifacts and locks these.
func (w *work) readProjectSets() error {
	var ids []string
	for item := range w.valid() {
		id := item.Record.ArtifactID
		if _, ok := w.sets[id]; ok {
			continue
		}
		if w.fresh[id] {
			w.sets[id] = 0 // addLinks has set that of an artifact with links
			continue
		}
		ids = append(ids, id)
	}
	sets, err := links.ShareArtifacts(w.tx, ids)
	maps.Copy(w.sets, sets)
	return err
}

// countNames adds the names that the import has created to the numbers of the organization. It locks them, so it comes last.
func (w *work) countNames() error {
	_, err := quotas.Add(w.tx, w.organizationID, quotas.Usage{
		Environments: w.environments.Created, LogicalEnvironments: w.logical.Created,
		Projects: w.projects.CreatedProjects, ProjectVersions: w.projects.CreatedVersions,
	})
	return err
}
