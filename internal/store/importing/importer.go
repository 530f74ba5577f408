// Package importing loads histories without changing their records (I1 to I5).
package importing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/compaction"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Limits bound the memory of an import.
type Limits struct {
	// Batch is how many entries are looked up and written together.
	Batch int
	// Cache is how many names, artifacts and links, of each kind, are cached from batch to batch. A cache that exceeds it is
	// emptied and filled again: most lines use names of the lines just before them.
	Cache int
	// Reorder is the number of waiting new records at which the oldest of them are written.
	Reorder int
	// Slots is how many slots wait to be written.
	Slots int
}

// DefaultLimits are the limits of servers and of the command line.
var DefaultLimits = Limits{Batch: 4096, Cache: 1 << 14, Reorder: 1 << 15, Slots: 1 << 16}

// Importer imports histories.
type Importer struct {
	db        *database.DB
	compactor *compaction.Compactor
	newID     func() string
	limits    Limits
}

// New returns an importer that generates ids by newID.
func New(db *database.DB, compactor *compaction.Compactor, newID func() string, limits Limits) *Importer {
	return &Importer{db, compactor, newID, limits}
}

// analyzeThreshold is the number of new records after which the databases collect statistics again, so that they replan
// the statements that they planned for small tables.
const analyzeThreshold = 10_000

// Import implements deployments.Store.
func (i *Importer) Import(ctx context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	if err := deployments.CheckOrganization(organization); err != nil {
		return deployments.ImportSummary{}, fmt.Errorf("the organization's key %w", err)
	}
	var summary deployments.ImportSummary
	err := i.db.WriteOnConn(ctx, func(conn *sql.Conn, tx *gorm.DB) error {
		if _, err := schema.EnsureOrganization(tx, organization, 0); err != nil {
			return err
		}
		organizationID, err := schema.LockOrganization(tx, organization)
		if err != nil {
			return err
		}
		w := newWork(i, conn, tx, organizationID)
		err = i.compactor.CompactIsolated(tx, organizationID, func(int64) error { return w.importAll(entries) })
		summary = w.summary
		if err != nil {
			return err
		}
		return w.countNames()
	})
	var unreadable *entriesError
	switch {
	case errors.As(err, &unreadable):
		return deployments.ImportSummary{}, unreadable.error
	case database.IsConflict(err), database.IsLockTimeout(err):
		return deployments.ImportSummary{}, fmt.Errorf("%w: %w", deployments.ErrConflict, err)
	case err != nil:
		return deployments.ImportSummary{}, i.db.MapError(ctx, err)
	}
	if summary.Added >= analyzeThreshold {
		// The import is committed, so a failure does not matter: the role may lack the right, and the databases collect
		// statistics by themselves in time.
		_ = i.db.WithContext(ctx).Exec("ANALYZE").Error
	}
	return summary, nil
}

// entriesError is an error of the entries, not of the database, though it may look like one: a truncated file ends as a
// truncated connection does.
type entriesError struct{ error }
