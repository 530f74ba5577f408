package store

import (
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// changedSlots are the slots of records that were written, and that current_slots does not know of yet. They are
// written at the end, or when they have become many: a slot's row that is written with each batch leaves a dead row
// and dead index entries with each, which nothing removes before the transaction ends, and everyone reads past.
type changedSlots struct {
	// newest are the newest records written to a slot. A record that was added, or kept its place in its slot, can only
	// move the slot forward, whatever the order of the file.
	newest map[slotKey]recordRow
	// left are the slots that a record has left or come to with a change of its place: their latest record has to be
	// found anew.
	left []slotKey
}

// noteSlots notes which slots the rows, which were just written, change.
func (m *importing) noteSlots(written []recordRow) error {
	for _, row := range written {
		best, ok := m.slots.newest[row.slot()]
		if !ok || best.ID == row.ID || row.newerThan(best) {
			m.slots.newest[row.slot()] = row
		}
		if old, ok := m.stored[row.ID]; ok && (old.slot() != row.slot() || !old.CreatedAt.Equal(row.CreatedAt.Time)) {
			m.slots.left = append(m.slots.left, old.slot(), row.slot())
		}
	}
	if len(m.slots.newest)+len(m.slots.left) > m.limits.slots {
		return m.writeSlots()
	}
	return nil
}

// renewSets gives the rows that are to be written the project sets that their artifacts have come to.
func (c *changedSlots) renewSets(changed map[string]int64) {
	if len(changed) == 0 {
		return
	}
	for slot, row := range c.newest {
		if set, ok := changed[row.ArtifactID]; ok {
			row.ProjectSetID = set
			c.newest[slot] = row
		}
	}
}

// writeSlots makes current_slots true again.
func (m *importing) writeSlots() error {
	rows := slices.SortedFunc(maps.Values(m.slots.newest), func(a, b recordRow) int { return a.slot().compare(b.slot()) })
	if err := forwardSlots(m.tx, rows); err != nil {
		return err
	}
	left := distinct(m.slots.left)
	slices.SortFunc(left, slotKey.compare)
	for _, slot := range left {
		if err := findLatest(m.tx, m.engine, m.organizationID, slot); err != nil {
			return err
		}
	}
	clear(m.slots.newest)
	m.slots.left = nil
	return nil
}

// forwardSlots moves each slot's row to the newest of the records written, unless the slot has a newer one.
func forwardSlots(tx *gorm.DB, written []recordRow) error {
	newest := make(map[slotKey]recordRow)
	for _, row := range written {
		if best, ok := newest[row.slot()]; !ok || row.newerThan(best) {
			newest[row.slot()] = row
		}
	}
	rows := make([]slotRow, 0, len(newest))
	for _, row := range written {
		if newest[row.slot()].ID == row.ID {
			rows = append(rows, slotOf(row))
		}
	}
	return createAll(tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "organization_id"}, {Name: "environment_id"}, {Name: "deployment_name"}},
		UpdateAll: true,
		Where: clause.Where{Exprs: []clause.Expression{clause.Expr{
			SQL: "(excluded.created_at, excluded.record_id) >= (current_slots.created_at, current_slots.record_id)",
		}}},
	}), rows)
}
