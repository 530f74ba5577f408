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
	var conflicts, lockTimeouts, breaks int
	var before error // of the attempt before, as the caller gets it
	for attempt := 1; ; attempt++ {
		err := transaction()
		kind := deployments.ErrUnavailable
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			if before != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, errAtCommit) {
				return before
			}
			return err
		case isReadOnly(err) && attempt < maxAttempts:
		case IsConflict(err):
			kind = deployments.ErrConflict
			if conflicts++; conflicts == maxAttempts {
				return fmt.Errorf("%w: %w", kind, err)
			}
		case IsLockTimeout(err):
			if lockTimeouts++; lockTimeouts >= maxAttempts && !hasDeadline {
				return fmt.Errorf("%w: %w", kind, err)
			}
		case IsBroken(ctx, err) && !errors.Is(err, errAtCommit) && breaks == 0:
			breaks++
		default:
			return err
		}
		before = fmt.Errorf("%w: %w", kind, err)
		backoff := time.Duration(rand.Int64N(int64(min(attempt, maxAttempts)) * int64(20*time.Millisecond)))
		select {
		case <-time.After(backoff):
		case <-ctx.Done(): // the next attempt fails at once
		}
	}
}

// IsUncertain reports whether the error of a transaction leaves open whether it was committed.
func IsUncertain(err error) bool { return errors.Is(err, errAtCommit) && !IsConflict(err) }

// LimitLockWait bounds each wait of the transaction for a lock, unless atMost is 0. SQLite has one writer, which waits for nobody.
func LimitLockWait(tx *gorm.DB, atMost time.Duration) error {
	if atMost == 0 || DialectOf(tx) == SQLite {
		return nil
	}
	return tx.Exec("SELECT set_config('lock_timeout', ?, true)", fmt.Sprintf("%dms", atMost.Milliseconds())).Error
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
