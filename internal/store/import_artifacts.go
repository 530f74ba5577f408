package store

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// artifactsFound are the artifacts that the import has come upon: by id those of any organization, by their parts and
// by digest its own. Of a digest that is known, all artifacts are.
type artifactsFound struct {
	byID    map[string]artifactRow
	byParts map[deployments.Artifact]artifactRow
	digests map[string]bool
}

func (f *artifactsFound) forget() {
	f.byID, f.byParts, f.digests = make(map[string]artifactRow), make(map[deployments.Artifact]artifactRow), make(map[string]bool)
}

func (f *artifactsFound) remember(organizationID int64, rows ...artifactRow) {
	for _, row := range rows {
		f.byID[row.ID] = row
		if row.OrganizationID != organizationID {
			continue
		}
		// Imports may have given several ids to the same parts; the choice must not depend on the database's mood.
		if other, ok := f.byParts[row.artifact()]; !ok || row.Made && !other.Made || row.Made == other.Made && row.ID < other.ID {
			f.byParts[row.artifact()] = row
		}
	}
}

// findArtifacts gives each entry the id of its artifact. Without an id, the four parts tell artifacts apart; with one,
// the id does, and refuses entries by which it would have two values of a part (I4).
func (m *importing) findArtifacts() error {
	found := m.artifacts
	if len(found.byID) == 0 || len(found.byID) > m.limits.known {
		found.forget()
	}
	if err := m.readArtifacts(); err != nil {
		return err
	}
	var made, given []artifactRow
	for item := range m.sound() {
		r := &item.Record
		if stored, ok := m.stored[r.ID]; ok && r.ArtifactID == "" && found.byID[stored.ArtifactID].artifact() == r.Artifact {
			r.ArtifactID = stored.ArtifactID // a file that is loaded again means what it meant the first time (I3)
		}
		withID, idKnown := found.byID[r.ArtifactID]
		withParts, partsKnown := found.byParts[r.Artifact]
		switch {
		case idKnown && withID.OrganizationID != m.organizationID:
			m.refuse(item, "artifact_id", "%s belongs to another organization", r.ArtifactID)
		case idKnown && withID.artifact() != r.Artifact:
			field, old, new := firstDifference(withID.artifact(), r.Artifact)
			m.refuse(item, field, "the artifact %s has %q already, and %q here", r.ArtifactID, old, new)
		case idKnown:
		case r.ArtifactID == "" && partsKnown:
			r.ArtifactID = withParts.ID
		default:
			row := newArtifactRow(m.organizationID, r.ArtifactID, r.Artifact, m.newID)
			r.ArtifactID = row.ID
			found.remember(m.organizationID, row)
			if row.Made {
				made = append(made, row)
			} else {
				given = append(given, row)
			}
		}
	}
	if err := createAll(m.tx, given); err != nil {
		return err
	}
	m.fresh = make(map[string]bool, len(made)+len(given))
	for _, row := range append(given, made...) {
		m.fresh[row.ID] = true
	}
	return m.makeArtifacts(made)
}

// readArtifacts reads the artifacts of the batch's ids and digests that are not known yet.
func (m *importing) readArtifacts() error {
	var ids, digests []string
	for item := range m.sound() {
		if !m.artifacts.digests[item.Record.Artifact.Digest] {
			digests = append(digests, item.Record.Artifact.Digest)
		}
		if id := item.Record.ArtifactID; id != "" {
			if _, ok := m.artifacts.byID[id]; !ok {
				ids = append(ids, id)
			}
		}
	}
	found, err := findRows[artifactRow](m.tx, "organization_id = ? AND "+m.engine.oneOf("digest"), digests, m.organizationID)
	if err != nil {
		return err
	}
	m.artifacts.remember(m.organizationID, found...)
	if found, err = findRows[artifactRow](m.tx, m.engine.oneOfIDs("id"), ids); err != nil {
		return err
	}
	m.artifacts.remember(m.organizationID, found...)
	for _, digest := range digests {
		m.artifacts.digests[digest] = true
	}
	return nil
}

// makeArtifacts writes artifacts whose ids were made. One that a recorder made at the same moment counts instead, and
// the entries get its id.
func (m *importing) makeArtifacts(made []artifactRow) error {
	all, err := createMissing(m.tx, made)
	if err != nil || all {
		return err
	}
	mine := make(map[string]bool, len(made))
	for _, row := range made {
		mine[row.ID] = true
	}
	m.artifacts.forget()
	if err := m.readArtifacts(); err != nil {
		return err
	}
	for item := range m.sound() {
		if r := &item.Record; mine[r.ArtifactID] {
			r.ArtifactID = m.artifacts.byParts[r.Artifact].ID // itself, or the recorder's
		}
	}
	return nil
}

// newArtifactRow makes an id for the artifact unless it is given one.
func newArtifactRow(organizationID int64, id string, a deployments.Artifact, newID func() string) artifactRow {
	made := id == ""
	if made {
		id = newID()
	}
	return artifactRow{
		ID: id, OrganizationID: organizationID,
		Kind: a.Kind, Name: a.Name, Version: a.Version, Digest: a.Digest, Made: made,
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
