package database

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// lockTimeout holds a lock, and returns a transaction that waits for it for a moment only.
func lockTimeout(t *testing.T, db *DB) (transaction func(tx *gorm.DB) error, attempts *int) {
	t.Helper()
	attempts = new(int)
	if db.Dialect == SQLite {
		db.Pool.SetMaxOpenConns(2)
		holder, holderErr := db.Pool.Conn(t.Context())
		writer, writerErr := db.Pool.Conn(t.Context())
		if err := errors.Join(holderErr, writerErr); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = holder.Close() })
		_, holderErr = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		_, writerErr = writer.ExecContext(t.Context(), "PRAGMA busy_timeout = 20")
		if err := errors.Join(holderErr, writerErr, writer.Close()); err != nil {
			t.Fatal(err)
		}
		return func(*gorm.DB) error { return nil }, attempts
	}
	if _, err := db.Pool.Exec("CREATE TABLE locked (n int)"); err != nil {
		t.Fatal(err)
	}
	holder, err := db.Pool.BeginTx(context.Background(), nil)
	if err == nil {
		_, err = holder.Exec("LOCK TABLE locked")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Rollback() })
	return func(tx *gorm.DB) error {
		*attempts++
		return tx.Exec("SET LOCAL lock_timeout = '20ms'; LOCK TABLE locked").Error
	}, attempts
}

func TestALockTimeoutIsRetriedUntilTheDeadline(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"PostgreSQL": pgtest.URL(t), "SQLite": "sqlite://" + t.TempDir() + "/x.db"} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, address)
			transaction, attempts := lockTimeout(t, db)
			err := db.MapError(t.Context(), db.WriteRetrying(t.Context(), transaction))
			if !errors.Is(err, deployments.ErrUnavailable) || errors.Is(err, deployments.ErrConflict) {
				t.Errorf("without a deadline: got %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			*attempts = 0
			err = db.MapError(ctx, db.WriteRetrying(ctx, transaction))
			if !errors.Is(err, deployments.ErrUnavailable) || errors.Is(err, deployments.ErrConflict) || ctx.Err() == nil {
				t.Errorf("with a deadline: got %v", err)
			}
			if db.Dialect == PostgreSQL && *attempts <= maxAttempts {
				t.Errorf("made %d attempts before the deadline", *attempts)
			}
		})
	}
}

func TestAnIdleTimeoutIsRetriedOnce(t *testing.T) {
	t.Parallel()
	db := openTest(t, pgtest.URL(t))
	for _, idle := range []int{1, 2} {
		attempts := 0
		err := db.MapError(t.Context(), db.WriteRetrying(t.Context(), func(tx *gorm.DB) error {
			if attempts++; attempts > idle {
				return nil
			}
			if err := tx.Exec("SET LOCAL idle_in_transaction_session_timeout = '10ms'").Error; err != nil {
				return err
			}
			time.Sleep(200 * time.Millisecond)
			return tx.Exec("SELECT 1").Error
		}))
		if idle == 1 && err != nil || idle == 2 && !errors.Is(err, deployments.ErrUnavailable) || attempts != 2 {
			t.Errorf("idle %d times: got %v after %d attempts", idle, err, attempts)
		}
	}
}

func TestACancelledStatementIsATimeoutOnlyAfterTheDeadline(t *testing.T) {
	t.Parallel()
	db := openTest(t, pgtest.URL(t))
	err := db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(10)").Error
	})
	if mapped := db.MapError(t.Context(), err); !errors.Is(mapped, deployments.ErrUnavailable) {
		t.Errorf("before the deadline: got %v", mapped)
	}
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if mapped := db.MapError(expired, err); !errors.Is(mapped, context.DeadlineExceeded) || errors.Is(mapped, deployments.ErrUnavailable) {
		t.Errorf("after the deadline: got %v", mapped)
	}
}

func openTest(t *testing.T, address string) *DB {
	t.Helper()
	db, err := Open(Options{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Before its COMMIT, a transaction whose session ends has changed nothing. After it, nobody knows.
func TestALostSessionIsRetriedOnceUnlessAtCommit(t *testing.T) {
	t.Parallel()
	db := openTest(t, pgtest.URL(t))
	if _, err := db.Pool.Exec(`CREATE TABLE ends_at_commit (n int);
CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER end_session AFTER INSERT ON ends_at_commit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_session()`); err != nil {
		t.Fatal(err)
	}
	const endSession = "SELECT pg_terminate_backend(pg_backend_pid())"
	for name, test := range map[string]struct {
		statements   []string // of the attempts
		wantAttempts int
		wantErr      error
	}{
		"once":      {[]string{endSession, "SELECT 1"}, 2, nil},
		"twice":     {[]string{endSession, endSession}, 2, deployments.ErrUnavailable},
		"at COMMIT": {[]string{"INSERT INTO ends_at_commit VALUES (1)"}, 1, deployments.ErrUnavailable},
	} {
		attempts := 0
		err := db.MapError(t.Context(), db.WriteRetrying(t.Context(), func(tx *gorm.DB) error {
			attempts++
			return tx.Exec(test.statements[attempts-1]).Error
		}))
		if attempts != test.wantAttempts || !errors.Is(err, test.wantErr) {
			t.Errorf("%s: got %v after %d attempts", name, err, attempts)
		}
	}
	attempts := 0
	err := db.Snapshot(t.Context(), func(tx *gorm.DB) error {
		if attempts++; attempts == 1 {
			return tx.Exec(endSession).Error
		}
		return nil
	})
	if err != nil || attempts != 2 {
		t.Errorf("snapshot: got %v after %d attempts", err, attempts)
	}
}

// The deadline ends an attempt that would have failed for the same reason as the one before it. At COMMIT it may have succeeded.
func TestTheDeadlineEndsARetriedTransactionWithTheReasonOfItsRetries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		retried error
		last    error
		want    error
	}{
		{"a standby", &pgconn.PgError{Code: "25006"}, context.DeadlineExceeded, deployments.ErrUnavailable},
		{"a lock", &pgconn.PgError{Code: "55P03"}, context.DeadlineExceeded, deployments.ErrUnavailable},
		{"a lost session", &pgconn.PgError{Code: "57P01"}, context.DeadlineExceeded, deployments.ErrUnavailable},
		{"a conflict", &pgconn.PgError{Code: "40001"}, context.DeadlineExceeded, deployments.ErrConflict},
		{"a conflict, then a COMMIT", &pgconn.PgError{Code: "40001"}, fmt.Errorf("%w: %w", errAtCommit, context.DeadlineExceeded), context.DeadlineExceeded},
		{"no retry", nil, context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		attempts := 0
		err := Retry(ctx, func() error {
			if attempts++; attempts == 1 && c.retried != nil {
				return c.retried
			}
			<-ctx.Done()
			return c.last
		})
		cancel()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
