package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// importLimits bound the memory that an import needs.
type importLimits struct {
	// batch is how many entries are looked up and written together.
	batch int
	// known is how many names, artifacts and links, of each kind, are remembered from batch to batch. Beyond it all are
	// forgotten and read again as they are named: most lines name what those just before have named.
	known int
	// unwritten is how many new records make that the oldest of them are written: fewer wait.
	unwritten int
	// slots is how many slots wait to be written.
	slots int
}

var defaultImportLimits = importLimits{batch: 4096, known: 1 << 14, unwritten: 1 << 15, slots: 1 << 16}

// Import implements deployments.Store.
func (s *Store) Import(ctx context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	var summary deployments.ImportSummary
	if err := deployments.CheckOrganization(organization); err != nil {
		return summary, fmt.Errorf("the organization's key %w", err)
	}
	err := s.writeOnOne(ctx, func(conn *sql.Conn, tx *gorm.DB) error {
		organizationID, err := holdOrganization(tx, organization)
		if err != nil {
			return err
		}
		apart, err := s.engine.noteApart(tx, organizationID)
		if err != nil {
			return err
		}
		load := newImporting(conn, tx, s, organizationID)
		if err := load.all(entries); err != nil {
			return err
		}
		summary = load.summary
		return foldAll(tx, s.engine, organizationID, apart, s.spacing)
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
// ends. Recording goes on meanwhile; the lock is weaker than what a reference to the row conflicts with.
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
	conn           *sql.Conn // the one that tx runs on
	tx             *gorm.DB
	engine         engine
	limits         importLimits
	organizationID int64
	newID          func() string
	batches        int
	batch          []*importItem
	// stored are the records that the batch names, as they were before it, also those that are not written yet.
	stored    map[string]recordRow
	unwritten unwrittenRecords
	// What the import has come upon. Names, artifacts and links are never changed nor removed, so it stays true.
	environments, stages *knownNames
	artifacts            *artifactsFound
	projects             *projectsFound
	// sets are the project sets of artifacts, which the import holds; fresh are those artifacts that the batch has made.
	sets    map[string]int64
	fresh   map[string]bool
	slots   changedSlots
	faults  []*deployments.ImportViolation
	summary deployments.ImportSummary
}

func newImporting(conn *sql.Conn, tx *gorm.DB, s *Store, organizationID int64) *importing {
	return &importing{
		conn: conn, tx: tx, engine: s.engine, limits: s.importLimits, organizationID: organizationID, newID: s.newID,
		environments: &knownNames{}, stages: &knownNames{}, artifacts: &artifactsFound{}, projects: &projectsFound{},
		unwritten: make(unwrittenRecords), sets: make(map[string]int64),
		slots: changedSlots{newest: make(map[slotKey]recordRow)},
	}
}

func (m *importing) all(entries iter.Seq2[deployments.ImportEntry, error]) error {
	for batch := range ahead(inBatches(entries, m.limits.batch)) {
		if batch.err != nil {
			return &entriesError{batch.err}
		}
		m.faults = append(m.faults, batch.faults...)
		m.batch = batch.items
		if err := m.load(); err != nil {
			return err
		}
		if len(m.faults) >= deployments.MaxImportViolations {
			break
		}
	}
	if len(m.faults) > 0 {
		return deployments.NewImportError(m.faults)
	}
	if err := m.writeOldest(0); err != nil {
		return err
	}
	return m.writeSlots()
}

// refuse notes what is wrong with an item; it is left out from here on, and the import will fail as a whole.
func (m *importing) refuse(item *importItem, field, format string, args ...any) {
	item.fault = true
	m.faults = append(m.faults, &deployments.ImportViolation{Line: item.Line, Field: field, Message: fmt.Sprintf(format, args...)})
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

// load takes the batch: all of it is written but for new records, which may wait. The order of its steps is that in which
// recorders make names and artifacts, too: of two who make the same ones at the same moment, one waits for the other and
// not both for each other.
func (m *importing) load() error {
	if len(m.batch) == 0 {
		return nil
	}
	for _, step := range []func() error{
		m.planAnew, m.readStored, m.findEnvironments, m.findLogicalEnvironments, m.findProjectVersions, m.findArtifacts,
		m.linkProjectVersions, m.readProjectSets, m.records,
	} {
		if err := step(); err != nil {
			return err
		}
	}
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
	for _, id := range ids {
		// One that is stored meanwhile is another organization's, and is told.
		if _, stored := m.stored[id]; stored {
			continue
		}
		if row, ok := m.unwritten[id]; ok {
			m.stored[id] = *row
		}
	}
	return err
}
