package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// Pragma asks SQLite for a setting of a connection of the pool.
func (s *Store) Pragma(t *testing.T, name string) string {
	t.Helper()
	var value string
	if err := s.pool.QueryRow("PRAGMA " + name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// SetClock makes recording read this clock instead of the database's.
func (s *Store) SetClock(now func() time.Time) { s.ownClock = now }

// AnyID stands for every id in the tables of counts.
const AnyID = anyID

// Pool is the store's own, for tests that look into tables.
func (s *Store) Pool() *sql.DB { return s.pool }

// SetSpacing sets milestones in short lists, too.
func (s *Store) SetSpacing(n int64) { s.spacing = n }

// SetMaxNames has lists forget what ids stand for earlier.
func (s *Store) SetMaxNames(n int) { s.names = newNames(n) }

// SetMilestonesAnew sets those of an organization from its records, while changes may be pending.
func (s *Store) SetMilestonesAnew(ctx context.Context, organization string) error {
	return s.write(ctx, func(tx *gorm.DB) error {
		var row organizationRow
		if err := tx.Where("key = ?", organization).Limit(1).Find(&row).Error; err != nil || row.ID == 0 {
			return err
		}
		if err := tx.Exec("DELETE FROM long_list_milestones WHERE organization_id = ?", row.ID).Error; err != nil {
			return err
		}
		fold := folding{tx: tx, engine: s.engine, organizationID: row.ID, changes: row.ID, spacing: s.spacing, milestones: milestones{}}
		return fold.settle()
	})
}

// Snapshot counts the records as Verify sees them.
func (s *Store) Snapshot(ctx context.Context, do func(count func() int)) error {
	return s.snapshot(ctx, func(tx *gorm.DB) error {
		var err error
		do(func() int {
			var n int64
			err = errors.Join(err, tx.Model(&recordRow{}).Count(&n).Error)
			return int(n)
		})
		return err
	})
}

// SetImportLimits makes imports work in batches of so many entries, remember so many names, artifacts, links and slots
// between them, and have fewer new records than unwritten wait.
func (s *Store) SetImportLimits(batch, memory, unwritten int) {
	s.importLimits = importLimits{batch: batch, known: memory, unwritten: unwritten, slots: memory}
}

// MigrateTo makes a database of an earlier schema.
func MigrateTo(t *testing.T, databaseURL string, version int64) {
	t.Helper()
	pool, engine, err := openPool(Options{URL: databaseURL})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	provider, err := goose.NewProvider(engine.dialect(), pool, engine.migrations(), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// ListsAtOnce is how many lists are read at once of a database, by a pool of so many connections.
var ListsAtOnce = listsAtOnce

// HoldLists keeps lists waiting until the function that it gives is called.
func (s *Store) HoldLists(t *testing.T) (release func()) {
	t.Helper()
	all := int64(s.maxLists)
	if err := s.reading.Acquire(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return func() { s.reading.Release(all) }
}

// DropConnections makes the pool close those of its connections that nobody uses.
func (s *Store) DropConnections() {
	s.pool.SetMaxIdleConns(0)
	s.pool.SetMaxIdleConns(2)
}
