package store

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// nameRef points at the id and the name of a kind of named things in an entry.
type nameRef struct {
	table, idField, nameField string
	id, name                  func(*deployments.Record) *string
}

func (m *importing) environments() error {
	return m.named(nameRef{
		table: "environments", idField: "environment_id", nameField: "environment_name",
		id:   func(r *deployments.Record) *string { return &r.EnvironmentID },
		name: func(r *deployments.Record) *string { return &r.EnvironmentName },
	})
}

func (m *importing) logicalEnvironments() error {
	return m.named(nameRef{
		table: "logical_environments", idField: "logical_environment_id", nameField: "logical_environment_name",
		id:   func(r *deployments.Record) *string { return &r.LogicalEnvironmentID },
		name: func(r *deployments.Record) *string { return &r.LogicalEnvironmentName },
	})
}

// named gives each entry the id of what it names, which is made if it is new, and refuses entries by which an id
// would have two names or a name two ids (I4).
func (m *importing) named(ref nameRef) error {
	var ids, names []string
	for item := range m.sound() {
		if name := *ref.name(&item.Record); name != "" {
			names = append(names, name)
			if id := *ref.id(&item.Record); id != "" {
				ids = append(ids, id)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	byID, byName := make(map[string]namedRow), make(map[string]namedRow)
	remember := func(rows ...namedRow) {
		for _, row := range rows {
			byID[row.ID] = row
			if row.OrganizationID == m.organizationID {
				byName[row.Name] = row
			}
		}
	}
	var found []namedRow
	if err := m.tx.Table(ref.table).Where("organization_id = ? AND "+m.engine.oneOf("name"), m.organizationID, jsonList(distinct(names))).Find(&found).Error; err != nil {
		return err
	}
	remember(found...)
	if len(ids) > 0 {
		found = nil
		if err := m.tx.Table(ref.table).Where(m.engine.oneOfIDs("id"), jsonList(distinct(ids))).Find(&found).Error; err != nil {
			return err
		}
		remember(found...)
	}

	var made []namedRow
	for item := range m.sound() {
		id, name := ref.id(&item.Record), *ref.name(&item.Record)
		if name == "" {
			continue
		}
		withID, idKnown := byID[*id]
		withName, nameKnown := byName[name]
		switch {
		case idKnown && withID.OrganizationID != m.organizationID:
			m.refuse(item, ref.idField, "%s belongs to another organization", *id)
		case idKnown && withID.Name != name:
			m.refuse(item, ref.idField, "%s is the id of %q already, and of %q here", *id, withID.Name, name)
		case *id != "" && nameKnown && withName.ID != *id:
			m.refuse(item, ref.nameField, "%q has the id %s already, and %s here", name, withName.ID, *id)
		case nameKnown:
			*id = withName.ID
		default:
			if *id == "" {
				*id = m.newID()
			}
			row := namedRow{ID: *id, OrganizationID: m.organizationID, Name: name}
			remember(row)
			made = append(made, row)
		}
	}
	return createAll(m.tx.Table(ref.table), made)
}

// artifacts gives each entry the id of its artifact. Without an id, the four parts tell artifacts apart; with one,
// the id does, and refuses entries by which it would have two values of a part (I4).
func (m *importing) artifacts() error {
	var ids, digests []string
	for item := range m.sound() {
		digests = append(digests, item.Record.Artifact.Digest)
		if item.Record.ArtifactID != "" {
			ids = append(ids, item.Record.ArtifactID)
		}
	}
	if len(digests) == 0 {
		return nil
	}
	byID, byParts := make(map[string]artifactRow), make(map[deployments.Artifact]artifactRow)
	remember := func(rows ...artifactRow) {
		for _, row := range rows {
			byID[row.ID] = row
			if row.OrganizationID != m.organizationID {
				continue
			}
			// Imports may have given several ids to the same parts; the choice must not depend on the database's mood.
			if other, ok := byParts[row.artifact()]; !ok || row.Made && !other.Made || row.Made == other.Made && row.ID < other.ID {
				byParts[row.artifact()] = row
			}
		}
	}
	var found []artifactRow
	if err := m.tx.Where("organization_id = ? AND "+m.engine.oneOf("digest"), m.organizationID, jsonList(distinct(digests))).Find(&found).Error; err != nil {
		return err
	}
	remember(found...)
	if len(ids) > 0 {
		found = nil
		if err := m.tx.Where(m.engine.oneOfIDs("id"), jsonList(distinct(ids))).Find(&found).Error; err != nil {
			return err
		}
		remember(found...)
	}

	var made []artifactRow
	for item := range m.sound() {
		r := &item.Record
		if stored, ok := m.stored[r.ID]; ok && r.ArtifactID == "" && byID[stored.ArtifactID].artifact() == r.Artifact {
			r.ArtifactID = stored.ArtifactID // a file that is loaded again means what it meant the first time (I3)
		}
		withID, idKnown := byID[r.ArtifactID]
		withParts, partsKnown := byParts[r.Artifact]
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
			remember(row)
			made = append(made, row)
		}
	}
	return createAll(m.tx, made)
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

// distinct gives each value once, in the order of its first appearance.
func distinct[Value comparable](values []Value) []Value {
	seen := make(map[Value]bool, len(values))
	out := make([]Value, 0, len(values))
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
