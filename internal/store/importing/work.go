package importing

import (
	"database/sql"
	"fmt"
	"iter"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// work is one import in its transaction.
type work struct {
	*Importer
	conn           *sql.Conn // the connection of tx
	tx             *gorm.DB
	organizationID int64
	batchCount     int
	items          []*item // of the batch
	// stored are the records with the batch's ids, in their states before the batch. They include records in the
	// reorder buffer.
	stored        map[string]schema.Record
	reorderBuffer reorderBuffer
	environments  *schema.NameFinder
	logical       *schema.NameFinder
	artifacts     *schema.ArtifactFinder
	projects      *schema.ProjectFinder
	// links are stored links. Links are never removed.
	links map[schema.Link]bool
	// sets are the project sets of artifacts, which the import has locked or created. fresh are the artifacts that the batch has
	// created.
	sets       map[string]int64
	fresh      map[string]bool
	dirtySlots dirtySlots
	violations []*deployments.ImportViolation
	summary    deployments.ImportSummary
}

func newWork(i *Importer, conn *sql.Conn, tx *gorm.DB, organizationID int64) *work {
	return &work{
		Importer: i, conn: conn, tx: tx, organizationID: organizationID,
		environments: schema.NewNameFinder(tx, schema.Environments, organizationID, i.newID),
		logical:      schema.NewNameFinder(tx, schema.LogicalEnvironments, organizationID, i.newID),
		artifacts:    schema.NewArtifactFinder(tx, organizationID, i.newID),
		projects:     schema.NewProjectFinder(tx, organizationID),
		links:        make(map[schema.Link]bool), reorderBuffer: make(reorderBuffer), sets: make(map[string]int64),
		dirtySlots: dirtySlots{newest: make(map[schema.Slot]schema.Record)},
	}
}

func (w *work) importAll(entries iter.Seq2[deployments.ImportEntry, error]) error {
	ctx := w.tx.Statement.Context
	if err := w.enlargeCache(); err != nil {
		return err
	}
	for batch := range readAhead(ctx, batches(entries, w.limits.Batch)) {
		if batch.err != nil {
			return &entriesError{batch.err}
		}
		w.violations = append(w.violations, batch.violations...)
		w.items = batch.items
		if err := w.importBatch(); err != nil {
			return err
		}
		if len(w.violations) >= deployments.MaxImportViolations {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(w.violations) > 0 {
		return deployments.NewImportError(w.violations)
	}
	if err := w.flushOldest(0); err != nil {
		return err
	}
	return w.flushSlots()
}

// reject adds a violation of an item. The import skips the item and fails as a whole.
func (w *work) reject(item *item, field, format string, args ...any) {
	item.rejected = true
	w.violations = append(w.violations, &deployments.ImportViolation{Line: item.Line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// valid returns the items of the batch without violations, in the order of their lines.
func (w *work) valid() iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for _, item := range w.items {
			if !item.rejected && !yield(item) {
				return
			}
		}
	}
}

// importBatch writes the batch. New records may stay in the reorder buffer. Its steps lock in the order of package schema.
func (w *work) importBatch() error {
	if len(w.items) == 0 {
		return nil
	}
	for _, step := range []func() error{
		w.replan, w.readStored, w.resolveEnvironments, w.resolveLogicalEnvironments, w.resolveProjectVersions, w.resolveArtifacts,
		w.addLinks, w.readProjectSets, w.writeRecords,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// enlargeCache gives SQLite 64 MiB: with the 2 MiB of a fresh connection, every batch would be written out and read back.
func (w *work) enlargeCache() error {
	if w.db.Dialect != database.SQLite {
		return nil
	}
	return w.tx.Exec("PRAGMA cache_size = -65536").Error
}

// replan discards cached plans before batches 1, 2, 4, 8, ...: a plan cached while a table was small would scan the whole
// table for the rest of the transaction. SQLite plans each statement when it runs.
func (w *work) replan() error {
	w.batchCount++
	if w.db.Dialect == database.SQLite || w.batchCount&(w.batchCount-1) != 0 {
		return nil
	}
	return database.Replan(w.tx)
}

// readStored reads the records of the batch's ids, of any organization, and locks them: what the batch decides by them must
// still hold when records and slots are written.
func (w *work) readStored() error {
	ids := make([]string, 0, len(w.items))
	for item := range w.valid() {
		ids = append(ids, item.Record.ID)
	}
	w.stored = make(map[string]schema.Record)
	for _, id := range ids {
		if row, ok := w.reorderBuffer[id]; ok {
			w.stored[id] = *row
		}
	}
	var rows []schema.Record
	err := w.tx.Clauses(clause.Locking{Strength: database.Update}).Where(database.DialectOf(w.tx).SearchSets("id IN (?)"), database.IDs(ids)).Order("id").Find(&rows).Error
	for _, row := range rows {
		w.stored[row.ID] = row // also instead of a buffered one: it was inserted meanwhile for another organization
	}
	return err
}
