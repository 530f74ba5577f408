package store

import (
	"cmp"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// nameRef points at the id and the name of a kind of named things in an entry.
type nameRef struct {
	table, idField, nameField string
	id, name                  func(*deployments.Record) *string
}

func (m *importing) findEnvironments() error {
	return m.named(m.environments, nameRef{
		table: "environments", idField: "environment_id", nameField: "environment_name",
		id:   func(r *deployments.Record) *string { return &r.EnvironmentID },
		name: func(r *deployments.Record) *string { return &r.EnvironmentName },
	})
}

func (m *importing) findLogicalEnvironments() error {
	return m.named(m.stages, nameRef{
		table: "logical_environments", idField: "logical_environment_id", nameField: "logical_environment_name",
		id:   func(r *deployments.Record) *string { return &r.LogicalEnvironmentID },
		name: func(r *deployments.Record) *string { return &r.LogicalEnvironmentName },
	})
}

// knownNames are rows of one table that the import has come upon: by id those of any organization, by name its own.
type knownNames struct {
	byID, byName map[string]namedRow
}

func (k *knownNames) forget() {
	k.byID, k.byName = make(map[string]namedRow), make(map[string]namedRow)
}

func (k *knownNames) remember(organizationID int64, rows ...namedRow) {
	for _, row := range rows {
		k.byID[row.ID] = row
		if row.OrganizationID == organizationID {
			k.byName[row.Name] = row
		}
	}
}

// named gives each entry the id of what it names, which is made if it is new, and refuses entries by which an id
// would have two names or a name two ids (I4).
func (m *importing) named(known *knownNames, ref nameRef) error {
	if len(known.byID) == 0 || len(known.byID) > m.limits.known {
		known.forget()
	}
	for {
		if err := m.readNames(known, ref); err != nil {
			return err
		}
		made := m.newNames(known, ref)
		all, err := createMissing(m.tx.Table(ref.table), made)
		if err != nil {
			return err
		}
		if all {
			break
		}
		// Another writer made one of them at the same moment and has committed it: that is the one that counts.
		known.forget()
	}
	for item := range m.sound() {
		id, name := ref.id(&item.Record), *ref.name(&item.Record)
		if name == "" {
			continue
		}
		withID, idKnown := known.byID[*id]
		withName, nameKnown := known.byName[name]
		switch {
		case idKnown && withID.OrganizationID != m.organizationID:
			m.refuse(item, ref.idField, "%s belongs to another organization", *id)
		case idKnown && withID.Name != name:
			m.refuse(item, ref.idField, "%s is the id of %q already, and of %q here", *id, withID.Name, name)
		case *id != "" && nameKnown && withName.ID != *id:
			m.refuse(item, ref.nameField, "%q has the id %s already, and %s here", name, withName.ID, *id)
		default:
			*id = withName.ID
		}
	}
	return nil
}

// readNames reads the rows of the batch's ids and names that are not known yet.
func (m *importing) readNames(known *knownNames, ref nameRef) error {
	var ids, names []string
	for item := range m.sound() {
		id, name := *ref.id(&item.Record), *ref.name(&item.Record)
		if _, ok := known.byName[name]; !ok && name != "" {
			names = append(names, name)
		}
		if _, ok := known.byID[id]; !ok && name != "" && id != "" {
			ids = append(ids, id)
		}
	}
	found, err := findRows[namedRow](m.tx.Table(ref.table), "organization_id = ? AND "+m.engine.oneOf("name"), names, m.organizationID)
	if err != nil {
		return err
	}
	known.remember(m.organizationID, found...)
	found, err = findRows[namedRow](m.tx.Table(ref.table), m.engine.oneOfIDs("id"), ids)
	known.remember(m.organizationID, found...)
	return err
}

// findRows finds the rows by a condition whose last argument is the list of values.
func findRows[Row any](tx *gorm.DB, condition string, values []string, before ...any) ([]Row, error) {
	if len(values) == 0 {
		return nil, nil
	}
	var rows []Row
	err := tx.Where(condition, append(before, jsonList(distinct(values)))...).Find(&rows).Error
	return rows, err
}

// newNames are the rows to be made for the batch: of entries that contradict each other, the first counts. They are in
// the order in which recorders make names, too, so that those who make the same ones wait in one direction.
func (m *importing) newNames(known *knownNames, ref nameRef) []namedRow {
	var made []namedRow
	for item := range m.sound() {
		id, name := *ref.id(&item.Record), *ref.name(&item.Record)
		_, idKnown := known.byID[id]
		_, nameKnown := known.byName[name]
		if name == "" || idKnown || nameKnown {
			continue
		}
		if id == "" {
			id = m.newID()
		}
		row := namedRow{ID: id, OrganizationID: m.organizationID, Name: name}
		known.remember(m.organizationID, row)
		made = append(made, row)
	}
	slices.SortFunc(made, func(a, b namedRow) int { return cmp.Compare(a.Name, b.Name) })
	return made
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
