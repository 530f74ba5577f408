// Package overview answers what people look at: the records of a query grouped into a matrix, and the names that begin with a
// text. Each answer is one statement, so that it is from one snapshot of the data.
package overview

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
)

// Reader answers overviews and searches. It is safe for concurrent use.
type Reader struct {
	db       *database.DB
	gate     *admission.Gate
	replicas *replicas.Set
}

// New returns a reader whose statements pass the gate. The replicas, which may be nil, answer in place of the database, as far as
// they can.
func New(db *database.DB, gate *admission.Gate, replicas *replicas.Set) *Reader {
	return &Reader{db, gate, replicas}
}

// statement is a text with its values, and what its answer is made of.
type statement[T any] struct {
	text   string
	values []any
	// scanner returns the destinations of a row, and the function that adds a scanned row to the answer.
	scanner func(answer *T) (destinations []any, add func())
}

// read runs a statement on a standby that has replayed what the primary had committed, or on the database. There it runs again if its
// plan was made for an earlier schema, or if its session ended.
func read[T any](ctx context.Context, r *Reader, organization string, s statement[T]) (answer T, err error) {
	release, err := r.gate.Acquire(ctx, organization)
	if err != nil {
		return answer, err
	}
	defer release()
	if err := r.db.File().CheckRecently(); err != nil {
		return answer, err
	}
	if r.replicas != nil {
		answered := r.replicas.Read(ctx, func(tx *gorm.DB) (err error) {
			answer, err = s.run(ctx, tx.Statement.ConnPool)
			return err
		})
		if answered {
			return answer, nil
		}
	}
	pool := r.db.WithContext(ctx).Statement.ConnPool
	answer, err = s.run(ctx, pool)
	if database.IsStalePlan(err) || database.IsBroken(ctx, err) {
		answer, err = s.run(ctx, pool)
	}
	return answer, r.db.MapError(ctx, err)
}

// run runs the statement once. After an error, the answer is zero.
func (s statement[T]) run(ctx context.Context, pool gorm.ConnPool) (answer T, err error) {
	rows, err := pool.QueryContext(ctx, s.text, s.values...)
	if err == nil {
		err = s.scan(rows, &answer)
	}
	if err != nil {
		return *new(T), err
	}
	return answer, nil
}

func (s statement[T]) scan(rows *sql.Rows, answer *T) error {
	defer rows.Close()
	destinations, add := s.scanner(answer)
	for rows.Next() {
		if err := rows.Scan(destinations...); err != nil {
			return err
		}
		add()
	}
	return rows.Err()
}
