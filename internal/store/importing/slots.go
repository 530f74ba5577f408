package importing

import (
	"maps"
	"slices"

	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// dirtySlots are the slots of written records whose rows in current_slots are not updated yet. They are updated at the end, or
// when there are many. Updating a slot's row with each batch would leave a dead row and dead index entries each time. These
// are not removed before the transaction ends, and slow every reader.
type dirtySlots struct {
	// newest is the newest record written to each slot. A record that was added, or stayed at its position in its slot, can
	// only advance the slot, whatever the order of the file.
	newest map[schema.Slot]schema.Record
	// moved are the slots that a record has left or entered, or in which it has moved: their latest records are recomputed.
	moved []schema.Slot
}

// markDirty marks the slots that the rows, which were just written, change.
func (w *work) markDirty(written []schema.Record) error {
	for _, row := range written {
		best, ok := w.dirtySlots.newest[row.Slot()]
		if !ok || best.ID == row.ID || row.NewerThan(best) {
			w.dirtySlots.newest[row.Slot()] = row
		}
		if old, ok := w.stored[row.ID]; ok && (old.Slot() != row.Slot() || !old.CreatedAt.Equal(row.CreatedAt.Time)) {
			w.dirtySlots.moved = append(w.dirtySlots.moved, old.Slot(), row.Slot())
		}
	}
	if len(w.dirtySlots.newest)+len(w.dirtySlots.moved) > w.limits.Slots {
		return w.flushSlots()
	}
	return nil
}

// updateSets sets the project sets of the records whose artifacts' sets have changed.
func (s *dirtySlots) updateSets(changed map[string]int64) {
	if len(changed) == 0 {
		return
	}
	for slot, row := range s.newest {
		if set, ok := changed[row.ArtifactID]; ok {
			row.ProjectSetID = set
			s.newest[slot] = row
		}
	}
}

// flushSlots updates current_slots.
func (w *work) flushSlots() error {
	if err := schema.AdvanceSlots(w.tx, slices.Collect(maps.Values(w.dirtySlots.newest))); err != nil {
		return err
	}
	for _, slot := range schema.SortSlots(w.dirtySlots.moved) {
		if err := schema.RecomputeLatest(w.tx, w.organizationID, slot); err != nil {
			return err
		}
	}
	clear(w.dirtySlots.newest)
	w.dirtySlots.moved = nil
	return nil
}
