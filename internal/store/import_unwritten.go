package store

import (
	"cmp"
	"slices"
)

// unwrittenRecords are new records, by id, that are not in the database yet. Pages of a history read records that are
// neighbours in time, so these are to lie side by side in the table; but most files go by when records were superseded or
// exported, and have neighbours tens of thousands of lines apart. So they wait until there are many or the file ends, and the
// oldest are written first.
type unwrittenRecords map[string]*recordRow

// takeOldest takes all but so many records away, in the order of time.
func (u unwrittenRecords) takeOldest(keep int) []recordRow {
	ordered := make([]*recordRow, 0, len(u))
	for _, row := range u {
		ordered = append(ordered, row)
	}
	slices.SortFunc(ordered, func(a, b *recordRow) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	ordered = ordered[:max(0, len(ordered)-keep)]
	oldest := make([]recordRow, len(ordered))
	for i, row := range ordered {
		oldest[i] = *row
		delete(u, row.ID)
	}
	return oldest
}

// renewSets gives the records the project sets that their artifacts have come to.
func (u unwrittenRecords) renewSets(changed map[string]int64) {
	if len(changed) == 0 {
		return
	}
	for _, row := range u {
		if set, ok := changed[row.ArtifactID]; ok {
			row.ProjectSetID = set
		}
	}
}

// writeOldest writes all but so many of the records that are not written.
func (m *importing) writeOldest(keep int) error {
	oldest := m.unwritten.takeOldest(keep)
	if err := m.insertRecords(oldest); err != nil {
		return err
	}
	return m.noteSlots(oldest)
}
