// Package overview answers what people look at: the records of a query grouped into a matrix, and the names that begin with a
// text. Each answer is one statement, so that it is from one snapshot of the data.
package overview

import (
	"context"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// Reader answers overviews and searches. It is safe for concurrent use.
type Reader struct {
	db   *database.DB
	gate *admission.Gate
}

// New returns a reader whose statements pass the gate.
func New(db *database.DB, gate *admission.Gate) *Reader { return &Reader{db, gate} }

// read runs a statement and scans each of its rows into the destinations. It runs again if its plan was made for an earlier schema,
// or if its session ended before the first row.
func (r *Reader) read(ctx context.Context, organization, text string, values, destinations []any, each func()) error {
	release, err := r.gate.Acquire(ctx, organization)
	if err != nil {
		return err
	}
	defer release()
	if err := r.db.File().CheckRecently(); err != nil {
		return err
	}
	scanned := false
	query := func() error {
		return r.query(ctx, text, values, destinations, func() { scanned = true; each() })
	}
	err = query()
	if !scanned && (database.IsStalePlan(err) || database.IsBroken(ctx, err)) {
		err = query()
	}
	return r.db.MapError(ctx, err)
}

func (r *Reader) query(ctx context.Context, text string, values, destinations []any, each func()) error {
	rows, err := r.db.WithContext(ctx).Statement.ConnPool.QueryContext(ctx, text, values...)
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
