package importing

import (
	"cmp"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/store/session"
)

// writeRecords buffers new records and replaces stored records for which the file has a later state (I3).
func (w *work) writeRecords() error {
	current := maps.Clone(w.stored)
	changed := make(map[string]bool)
	var order []string // of the ids to write
	for item := range w.valid() {
		row := schema.NewRecord(w.organizationID, item.Record)
		row.ProjectSetID = w.sets[row.ArtifactID]
		old, exists := current[row.ID]
		switch {
		case !exists:
			w.summary.Added++
			order = append(order, row.ID)
		case old.OrganizationID != w.organizationID:
			w.reject(item, "id", "%s is a record of another organization", row.ID)
			continue
		case !row.UpdatedAt.After(old.UpdatedAt.Time):
			w.summary.Unchanged++
			continue
		default:
			w.summary.Changed++
			if _, stored := w.stored[row.ID]; stored && !changed[row.ID] {
				changed[row.ID] = true
				order = append(order, row.ID)
			}
		}
		current[row.ID] = row
	}

	var replaced []schema.Record
	for _, id := range order {
		row := current[id]
		if _, buffered := w.reorderBuffer[id]; changed[id] && !buffered {
			replaced = append(replaced, row)
		} else {
			w.reorderBuffer[id] = &row
		}
	}
	// readStored has locked the rows, so their organization and their times are still those that it read.
	if err := database.Upsert(w.tx, replaced, nil, ""); err != nil {
		return err
	}
	if err := w.markDirty(replaced); err != nil {
		return err
	}
	if limit := w.limits.Reorder; len(w.reorderBuffer) >= limit {
		return w.flushOldest(limit / 4 * 3)
	}
	return nil
}

// reorderBuffer holds new records, by id, that are not in the database yet. Pages of a history read records that are
// neighbours in time, so these should be neighbours in the table. But most files are in the order in which records were
// superseded or exported, with neighbours tens of thousands of lines apart. So records wait until there are many or the
// file ends, and the oldest are written first.
type reorderBuffer map[string]*schema.Record

// takeOldest removes all but keep records, and returns them in the order of time.
func (b reorderBuffer) takeOldest(keep int) []schema.Record {
	ordered := slices.SortedFunc(maps.Values(b), func(a, b *schema.Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	ordered = ordered[:max(0, len(ordered)-keep)]
	oldest := make([]schema.Record, len(ordered))
	for i, row := range ordered {
		oldest[i] = *row
		delete(b, row.ID)
	}
	return oldest
}

// updateSets sets the project sets of the records whose artifacts' sets have changed.
func (b reorderBuffer) updateSets(changed map[string]int64) {
	if len(changed) == 0 {
		return
	}
	for _, row := range b {
		if set, ok := changed[row.ArtifactID]; ok {
			row.ProjectSetID = set
		}
	}
}

// flushOldest writes all but keep records of the reorder buffer.
func (w *work) flushOldest(keep int) error {
	oldest := w.reorderBuffer.takeOldest(keep)
	if err := w.insertRecords(oldest); err != nil {
		return err
	}
	return w.markDirty(oldest)
}

func (w *work) insertRecords(rows []schema.Record) error {
	if w.db.Dialect == database.SQLite || len(rows) == 0 {
		return database.CreateAll(w.tx, rows)
	}
	return session.Copy(w.tx.Statement.Context, w.conn, "deployment_records", copiedColumns, len(rows),
		func(i int) ([]any, error) { return copiedValues(rows[i]) })
}

var copiedColumns = []string{
	"id", "organization_id", "environment_id", "logical_environment_id", "deployment_name", "artifact_id", "kind", "status",
	"project_set_id", "created_at", "updated_at", "last_seen_at",
}

// copiedValues returns a row's values in the order of copiedColumns, in types that pgx writes without conversion.
func copiedValues(r schema.Record) ([]any, error) {
	var ids [4]pgtype.UUID
	for i, text := range []*string{&r.ID, &r.EnvironmentID, r.LogicalEnvironmentID, &r.ArtifactID} {
		if text == nil {
			continue // NULL
		}
		id, err := uuid.Parse(*text)
		if err != nil {
			return nil, err
		}
		ids[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	return []any{
		ids[0], r.OrganizationID, ids[1], ids[2], r.DeploymentName, ids[3], int16(r.Kind), int16(r.Status),
		r.ProjectSetID, r.CreatedAt.Time, r.UpdatedAt.Time, r.LastSeenAt.Time,
	}, nil
}
