package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// importBatch is how many entries are looked up and written together: the memory that an import needs.
const importBatch = 1024

// Import implements deployments.Store.
func (s *Store) Import(ctx context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	var summary deployments.ImportSummary
	if problem := deployments.OrganizationProblem(organization); problem != "" {
		return summary, fmt.Errorf("the organization's key %s", problem)
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		organizationID, err := holdOrganization(tx, organization)
		if err != nil {
			return err
		}
		load := &importing{tx: tx, engine: s.engine, organizationID: organizationID, newID: s.newID}
		if err := load.all(entries); err != nil {
			return err
		}
		summary = load.summary
		return foldAll(tx, s.engine, organizationID, s.spacing)
	})
	var unreadable *entriesError
	switch {
	case errors.As(err, &unreadable):
		return deployments.ImportSummary{}, unreadable.error
	case isConflict(err):
		return deployments.ImportSummary{}, fmt.Errorf("%w: %w", deployments.ErrConflict, err)
	case err != nil:
		return deployments.ImportSummary{}, databaseError(ctx, err)
	}
	if summary.Added >= analyzeFrom {
		// What was loaded is loaded, whether or not this works: it may need a right that the role has not, and the
		// databases do it themselves in time.
		_ = s.db.WithContext(ctx).Exec("ANALYZE").Error
	}
	return summary, nil
}

// entriesError is what the entries ended in. It says nothing of the database, though it may look like that: a file
// that is cut off ends as a connection that is cut off does.
type entriesError struct{ error }

// analyzeFrom is how many new records make the databases count anew what their tables hold, and so plan anew what
// they planned when there was little.
const analyzeFrom = 10_000

// holdOrganization finds or makes the organization and keeps other imports into it waiting until the transaction
// ends. Recording goes on meanwhile; the lock is weaker than what a reference to the row conflicts with. A recorder that
// makes a name at the same moment as an import is in its way: see deployments.ErrConflict.
func holdOrganization(tx *gorm.DB, key string) (int64, error) {
	row := organizationRow{Key: key}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return 0, err
	}
	err := tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Where("key = ?", key).Take(&row).Error
	return row.ID, err
}

// importing is one import under way, in its transaction.
type importing struct {
	tx             *gorm.DB
	engine         engine
	organizationID int64
	newID          func() string
	batches        int
	// stored are the records that the batch names, as they were before it.
	stored  map[string]recordRow
	batch   []*importItem
	faults  []*deployments.ImportFault
	summary deployments.ImportSummary
}

// importItem is an entry on its way into the tables.
type importItem struct {
	deployments.ImportEntry
	fault bool
}

func (m *importing) all(entries iter.Seq2[deployments.ImportEntry, error]) error {
	for entry, err := range entries {
		var fault *deployments.ImportFault
		switch {
		case errors.As(err, &fault):
			m.faults = append(m.faults, fault)
		case err != nil:
			return &entriesError{err}
		default:
			m.batch = append(m.batch, &importItem{ImportEntry: entry})
		}
		if len(m.faults) >= deployments.MaxImportFaults {
			break
		}
		if len(m.batch) == importBatch {
			if err := m.load(); err != nil {
				return err
			}
		}
	}
	if err := m.load(); err != nil {
		return err
	}
	if len(m.faults) > 0 {
		return deployments.NewImportError(m.faults)
	}
	return nil
}

// refuse notes what is wrong with an item; it is left out from here on, and the import will fail as a whole.
func (m *importing) refuse(item *importItem, field, format string, args ...any) {
	item.fault = true
	m.faults = append(m.faults, &deployments.ImportFault{Line: item.Line, Field: field, Problem: fmt.Sprintf(format, args...)})
}

// sound gives the items of the batch that are not refused, in the order of their lines.
func (m *importing) sound() iter.Seq[*importItem] {
	return func(yield func(*importItem) bool) {
		for _, item := range m.batch {
			if !item.fault && !yield(item) {
				return
			}
		}
	}
}

// load writes the batch and empties it.
func (m *importing) load() error {
	if len(m.batch) == 0 {
		return nil
	}
	for _, step := range []func() error{
		m.planAnew, m.readStored, m.environments, m.logicalEnvironments, m.artifacts, m.records, m.projectVersions,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	m.batch = m.batch[:0]
	return nil
}

// planAnew runs before the batches 1, 2, 4, 8 and so on. Plans are kept, and one that was made while a table was
// small reads it whole, for the rest of the transaction.
func (m *importing) planAnew() error {
	m.batches++
	if m.batches&(m.batches-1) != 0 {
		return nil
	}
	if m.engine == sqLite {
		// SQLite plans each statement when it is run. What it needs is memory, 64 MiB: with the 2 MiB of a fresh
		// connection, every batch would be written out and read back.
		return m.tx.Exec("PRAGMA cache_size = -65536").Error
	}
	return m.tx.Exec("DISCARD PLANS").Error
}

// readStored reads the records of the batch's ids, of whatever organization.
func (m *importing) readStored() error {
	ids := make([]string, 0, len(m.batch))
	for item := range m.sound() {
		ids = append(ids, item.Record.ID)
	}
	m.stored = make(map[string]recordRow)
	var rows []recordRow
	// They stay as they are until the import ends: what is decided here must still be so when it is written, to the
	// records and to their slots.
	err := m.tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(m.engine.oneOfIDs("id"), jsonList(ids)).Order("id").Find(&rows).Error
	for _, row := range rows {
		m.stored[row.ID] = row
	}
	return err
}

// records adds the records that are new and replaces those that the file knows better (I3).
func (m *importing) records() error {
	now := maps.Clone(m.stored)
	changed := make(map[string]bool)
	var order []string // of the ids to write
	for item := range m.sound() {
		row := rowOf(m.organizationID, item.Record)
		old, known := now[row.ID]
		switch {
		case !known:
			m.summary.Added++
			order = append(order, row.ID)
		case old.OrganizationID != m.organizationID:
			m.refuse(item, "id", "%s is a record of another organization", row.ID)
			continue
		case !row.UpdatedAt.After(old.UpdatedAt.Time):
			m.summary.Unchanged++
			continue
		default:
			m.summary.Changed++
			if _, stored := m.stored[row.ID]; stored && !changed[row.ID] {
				changed[row.ID] = true
				order = append(order, row.ID)
			}
		}
		now[row.ID] = row
	}

	var added, replaced []recordRow
	for _, id := range order {
		if changed[id] {
			replaced = append(replaced, now[id])
		} else {
			added = append(added, now[id])
		}
	}
	if err := createAll(m.tx, added); err != nil {
		return err
	}
	// The conditions hold by what was just read, except for what a recording may have done since.
	replace := m.tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		UpdateAll: true,
		Where: clause.Where{Exprs: []clause.Expression{clause.Expr{
			SQL: "deployment_records.organization_id = excluded.organization_id AND deployment_records.updated_at < excluded.updated_at",
		}}},
	})
	if err := createAll(replace, replaced); err != nil {
		return err
	}
	return m.slots(append(added, replaced...))
}

func rowOf(organizationID int64, r deployments.Record) recordRow {
	row := recordRow{
		ID:             r.ID,
		OrganizationID: organizationID,
		EnvironmentID:  r.EnvironmentID,
		DeploymentName: r.DeploymentName,
		ArtifactID:     r.ArtifactID,
		Kind:           r.Artifact.Kind,
		Status:         r.Status,
		CreatedAt:      timestamp{r.CreatedAt},
		UpdatedAt:      timestamp{r.UpdatedAt},
		LastSeenAt:     timestamp{r.LastSeenAt},
	}
	if r.LogicalEnvironmentID != "" {
		row.LogicalEnvironmentID = &r.LogicalEnvironmentID
	}
	return row
}

// slots keeps current_slots true after the rows were written. A row that was added, or kept its place in its slot,
// can only move the slot forward, whatever the order of the file; a row that left its place leaves a slot whose
// latest record has to be found anew.
func (m *importing) slots(written []recordRow) error {
	var moved []slotKey
	for _, row := range written {
		if old, ok := m.stored[row.ID]; ok && (old.slot() != row.slot() || !old.CreatedAt.Equal(row.CreatedAt.Time)) {
			moved = append(moved, old.slot(), row.slot())
		}
	}
	if err := forwardSlots(m.tx, written); err != nil {
		return err
	}
	for _, slot := range moved {
		if err := findLatest(m.tx, m.organizationID, slot); err != nil {
			return err
		}
	}
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

// createAll inserts the rows in portions whose sizes are powers of two: statements are kept prepared by their text,
// and a text for every possible number of rows would fill the server's memory with them.
func createAll[Row any](tx *gorm.DB, rows []Row) error {
	for size := importBatch; len(rows) > 0; {
		if len(rows) < size {
			size /= 2
			continue
		}
		portion := rows[:size]
		if err := tx.Session(&gorm.Session{}).Create(&portion).Error; err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}
