// Package overview answers what people look at: the records of a query grouped into a matrix, and the names that begin with a
// text. Each answer is one statement, so that it is from one snapshot of the data.
package overview

import (
	"context"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/namecache"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
)

// Options configures a Reader.
type Options struct {
	// Gate admits overviews and searches.
	Gate *admission.Gate
	// Names completes the groups of overviews.
	Names namecache.Cache
	// Replicas answer in place of the database, as far as they can; nil if there are none.
	Replicas *replicas.Set
}

// Reader answers overviews and searches. It is safe for concurrent use.
type Reader struct {
	db      *database.DB
	options Options
}

// New returns a Reader on the database.
func New(db *database.DB, o Options) *Reader { return &Reader{db, o} }

// read returns the result of a function that reads from a standby that has replayed what the primary had committed, or from the
// database. There it runs again if the plan of its statement was made for an earlier schema, or if its session ended.
func read[T any](ctx context.Context, r *Reader, organization string, run func(tx *gorm.DB) (T, error)) (result T, err error) {
	release, err := r.options.Gate.Acquire(ctx, organization)
	if err != nil {
		return result, err
	}
	defer release()
	if err := r.db.File().CheckRecently(); err != nil {
		return result, err
	}
	if r.options.Replicas != nil {
		answered := r.options.Replicas.Read(ctx, func(tx *gorm.DB) (err error) {
			result, err = run(tx)
			return err
		})
		if answered {
			return result, nil
		}
	}
	db := r.db.WithContext(ctx)
	result, err = run(db)
	if database.IsStalePlan(err) || database.IsBroken(ctx, err) {
		result, err = run(db)
	}
	return result, r.db.MapError(ctx, err)
}

// scan runs a statement, scans each of its rows into the destinations, and then calls each.
func scan(ctx context.Context, tx *gorm.DB, text string, values, destinations []any, each func()) error {
	rows, err := tx.Statement.ConnPool.QueryContext(ctx, text, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(destinations...); err != nil {
			return err
		}
		each()
	}
	return rows.Err()
}
