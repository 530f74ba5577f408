package database

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Write runs a write transaction.
func (d *DB) Write(ctx context.Context, do func(tx *gorm.DB) error) error {
	return d.withWriteLock(ctx, func() error { return d.WithContext(ctx).Transaction(do) })
}

// WriteOnConn is Write that also passes the connection of the transaction, for functions that only its driver has.
func (d *DB) WriteOnConn(ctx context.Context, do func(conn *sql.Conn, tx *gorm.DB) error) error {
	return d.withWriteLock(ctx, func() error {
		return d.WithContext(ctx).Connection(func(db *gorm.DB) error {
			conn := db.Statement.ConnPool.(*sql.Conn)
			return db.Transaction(func(tx *gorm.DB) error { return do(conn, tx) })
		})
	})
}

func (d *DB) withWriteLock(ctx context.Context, do func() error) error {
	if d.Dialect == SQLite {
		select {
		case d.writeLock <- struct{}{}:
			defer func() { <-d.writeLock }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return do()
}

// maxAttempts bounds how often WriteRetrying runs a transaction.
const maxAttempts = 10

// WriteRetrying is Write that runs the transaction again after a conflict with another writer (W5). The last conflict is
// a deployments.ErrConflict.
func (d *DB) WriteRetrying(ctx context.Context, do func(tx *gorm.DB) error) error {
	for attempt := 1; ; attempt++ {
		err := d.Write(ctx, do)
		if err == nil || !IsConflict(err) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("%w: %w", deployments.ErrConflict, err)
		}
		backoff := time.Duration(rand.Int64N(int64(attempt) * int64(20*time.Millisecond)))
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return err
		}
	}
}

// Snapshot runs queries that all see the database at one moment.
func (d *DB) Snapshot(ctx context.Context, do func(tx *gorm.DB) error) error {
	options := &sql.TxOptions{ReadOnly: true} // in SQLite, the snapshot of the first query, beside writers
	if d.Dialect == PostgreSQL {
		options.Isolation = sql.LevelRepeatableRead
	}
	return d.WithContext(ctx).Transaction(do, options)
}

// Now returns the database's clock, which decides the order of records (W6). SQLite has the clock of this process.
func Now(tx *gorm.DB) (time.Time, error) {
	if DialectOf(tx) == SQLite {
		return time.Now().UTC().Truncate(time.Microsecond), nil
	}
	var now Timestamp
	// now() would be the start of the transaction, before it waited for locks.
	err := tx.Raw("SELECT clock_timestamp()").Row().Scan(&now)
	return now.Time, err
}
