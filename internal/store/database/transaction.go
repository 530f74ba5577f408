package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Write runs a write transaction.
func (d *DB) Write(ctx context.Context, do func(tx *gorm.DB) error) error {
	return d.withWriteLock(ctx, func() error { return transact(d.WithContext(ctx), do) })
}

// WriteOnConn is Write that also passes the connection of the transaction, for functions that only its driver has.
func (d *DB) WriteOnConn(ctx context.Context, do func(conn *sql.Conn, tx *gorm.DB) error) error {
	return d.withWriteLock(ctx, func() error {
		return d.WithContext(ctx).Connection(func(db *gorm.DB) error {
			conn := db.Statement.ConnPool.(*sql.Conn)
			return transact(db, func(tx *gorm.DB) error { return do(conn, tx) })
		})
	})
}

// errAtCommit marks the error of a COMMIT. Without an answer of the database, the transaction may have been committed.
var errAtCommit = errors.New("commit")

// transact runs a transaction. The error of its COMMIT is an errAtCommit.
func transact(db *gorm.DB, do func(tx *gorm.DB) error) error {
	committing := false
	err := db.Transaction(func(tx *gorm.DB) error {
		err := do(tx)
		committing = err == nil
		return err
	})
	if err != nil && committing {
		return fmt.Errorf("%w: %w", errAtCommit, err)
	}
	return err
}

func (d *DB) withWriteLock(ctx context.Context, do func() error) error {
	if d.Dialect != SQLite {
		return do()
	}
	select {
	case d.writeLock <- struct{}{}:
		defer func() { <-d.writeLock }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.file.Check(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return d.file.Check() // a commit to a file that is gone is lost, and must not be acknowledged
}

// WriteRetrying is Write by Retry.
func (d *DB) WriteRetrying(ctx context.Context, do func(tx *gorm.DB) error) error {
	return Retry(ctx, func() error { return d.Write(ctx, do) })
}

// ErrOutdated is returned by a transaction that finds that what it has read is outdated. Retry runs it again.
var ErrOutdated = errors.New("another transaction has changed what this one has read")

// maxAttempts bounds how often Retry runs a transaction.
const maxAttempts = 10

// Retry runs a transaction again while other writers are in the way (W5) or a migration has changed the schema. The last of maxAttempts
// conflicts is a deployments.ErrConflict. A lock timeout is retried until the deadline of ctx, or maxAttempts times without
// one, and is then a deployments.ErrUnavailable. Between the attempts, others can use the connection. A transaction whose
// session ended before its COMMIT is retried once: it has changed nothing. One that was sent to a standby is retried on another
// connection, and after maxAttempts it is a deployments.ErrUnavailable. If the deadline ends an attempt before its COMMIT, the
// error is that of the attempt before it.
func Retry(ctx context.Context, transaction func() error) error {
	_, hasDeadline := ctx.Deadline()
	r := retries{hasDeadline: hasDeadline}
	var before error // of the attempt before, as the caller gets it
	for {
		err := transaction()
		switch {
		case err == nil:
			return nil
		case ctx.Err() == nil:
		case before != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, errAtCommit):
			return before
		default:
			return err
		}
		again, kind := r.next(ctx, err)
		if kind != nil {
			err = fmt.Errorf("%w: %w", kind, err)
		}
		if !again {
			return err
		}
		before = err
		r.backoff(ctx)
	}
}

// retries counts the failed attempts of a transaction by their reason.
type retries struct {
	hasDeadline                               bool
	attempts, conflicts, lockTimeouts, breaks int
}

// next reports whether the transaction may succeed when it runs again after an error, and of which kind the error is for the
// caller, or nil for that of the database.
func (r *retries) next(ctx context.Context, err error) (again bool, kind error) {
	r.attempts++
	switch {
	case isReadOnly(err):
		return r.attempts < maxAttempts, deployments.ErrUnavailable
	case IsConflict(err):
		r.conflicts++
		return r.conflicts < maxAttempts, deployments.ErrConflict
	case IsLockTimeout(err):
		r.lockTimeouts++
		return r.hasDeadline || r.lockTimeouts < maxAttempts, deployments.ErrUnavailable
	case IsBroken(ctx, err) && !errors.Is(err, errAtCommit):
		r.breaks++
		return r.breaks == 1, deployments.ErrUnavailable
	default:
		return false, nil
	}
}

// backoff waits, longer after more attempts. If ctx ends, the next attempt fails at once.
func (r *retries) backoff(ctx context.Context) {
	select {
	case <-time.After(time.Duration(rand.Int64N(int64(min(r.attempts, maxAttempts)) * int64(20*time.Millisecond)))):
	case <-ctx.Done():
	}
}

// IsUncertain reports whether the error of a transaction leaves open whether it was committed.
func IsUncertain(err error) bool { return errors.Is(err, errAtCommit) && !IsConflict(err) }

// WithLockLimit returns tx for a query of one table that also bounds each wait of the transaction for a lock, if it finds a row and
// atMost is not 0. SQLite has one writer, which waits for nobody.
func WithLockLimit(tx *gorm.DB, atMost time.Duration) *gorm.DB {
	if atMost == 0 || DialectOf(tx) == SQLite {
		return tx
	}
	return tx.Select("*, set_config('lock_timeout', ?, true)", fmt.Sprintf("%dms", atMost.Milliseconds()))
}

// Snapshot runs queries that all see the database at one moment. It runs them once more if their session ended.
func (d *DB) Snapshot(ctx context.Context, do func(tx *gorm.DB) error) error {
	options := &sql.TxOptions{ReadOnly: true} // in SQLite, the snapshot of the first query, beside writers
	if d.Dialect == PostgreSQL {
		options.Isolation = sql.LevelRepeatableRead
	}
	if err := d.file.CheckRecently(); err != nil {
		return err
	}
	err := d.WithContext(ctx).Transaction(do, options)
	if IsBroken(ctx, err) {
		err = d.WithContext(ctx).Transaction(do, options)
	}
	return err
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

// Replan makes PostgreSQL plan the statements and triggers of this connection again: a plan cached while a table was small
// reads the whole table for each row. SQLite plans each statement when it runs.
func Replan(tx *gorm.DB) error {
	if DialectOf(tx) == SQLite {
		return nil
	}
	return tx.Exec("DISCARD PLANS").Error
}
