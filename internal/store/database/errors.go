package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/store/sqlitefile"
	"github.com/deployrecords/deployrecords/internal/store/unreachable"
)

// MapError converts a driver's error to an error that deployments.Store documents. It returns those errors unchanged. It
// notes that the file of SQLite is malformed.
func (d *DB) MapError(ctx context.Context, err error) error {
	d.file.Note(err)
	if err == nil || errors.Is(err, deployments.ErrUnavailable) || errors.Is(err, deployments.ErrConflict) {
		return err
	}
	if connectErr, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = unreachable.Error{ConnectError: connectErr}
	}
	switch {
	case ctx.Err() != nil:
		// The drivers wrap the context's error, or report the connection that they closed. The server's statement timeout
		// never ends a statement before its request's deadline.
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	case unreachable.IsPermanent(err):
		return rejection{err}
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", deployments.ErrUnavailable, err)
	case IsForbidden(err):
		return fmt.Errorf("%w: grant the role the rights that docs/operations.md lists", err)
	}
	return err
}

// rejection is the error of a database that rejects the connection until a person changes something. It is an ErrUnavailable
// for callers, but its text is the reason alone: the database is there.
type rejection struct{ error }

func (r rejection) Is(target error) bool { return target == deployments.ErrUnavailable }
func (r rejection) Unwrap() error        { return r.error }

// IsConflict reports whether another transaction was in the way, so that the same transaction may succeed when retried.
func IsConflict(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "23505", session.StalePlan: // serialization failure, deadlock, a name that two writers made at once
		return true
	}
	return errors.Is(err, ErrOutdated)
}

// IsLockTimeout reports whether a wait for a lock of another transaction exceeded the limit of one wait: lock_timeout in
// PostgreSQL, the busy timeout in SQLite.
func IsLockTimeout(err error) bool { return sqlState(err) == "55P03" || isBusy(err) }

// IsMissingReference reports whether a row refers to one that does not exist.
func IsMissingReference(err error) bool {
	sqliteErr, ok := errors.AsType[*sqlite.Error](err)
	return sqlState(err) == "23503" || ok && sqliteErr.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// IsForbidden reports whether the role of the connection lacks a right.
func IsForbidden(err error) bool { return sqlState(err) == "42501" }

// isReadOnly reports whether the connection is to a standby, such as a primary before a failover.
func isReadOnly(err error) bool { return sqlState(err) == "25006" }

// IsBroken reports whether the session ended, or was found ended, before the statement and its context did: the database
// restarted, the network failed, or a transaction was idle for too long. A read then succeeds on another session, if the database
// accepts one.
func IsBroken(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil {
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	switch state := sqlState(err); {
	case state != "":
		return state == "25P03" || strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P0")
	default:
		return isConnectionError(err)
	}
}

// isConnectionError reports whether the driver lost the connection, or found it closed and did not send the statement.
func isConnectionError(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	return isNet || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// IsStalePlan reports whether a statement was rejected because it was prepared before the schema changed. The next
// attempt prepares it again.
func IsStalePlan(err error) bool { return sqlState(err) == session.StalePlan }

// sqlState returns the code of PostgreSQL's error, or "".
func sqlState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}

func isUnavailable(err error) bool {
	var (
		connectErr *pgconn.ConnectError
		sqliteErr  *sqlite.Error
	)
	switch state := sqlState(err); {
	case errors.As(err, &connectErr):
		return true
	case state != "":
		return isUnavailableState(state)
	case errors.As(err, &sqliteErr):
		if sqlitefile.IsMalformed(sqliteErr) {
			return true
		}
		switch primaryCode(sqliteErr) {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	return isConnectionError(err)
}

// isUnavailableState reports whether a SQLSTATE is about the state of the database, not about the statement.
func isUnavailableState(state string) bool {
	switch state {
	case "25006", // read only: a primary that became a standby
		"25P03", "25P04", // the transaction was idle or open for too long
		"40001", "40P01", // another transaction was in the way
		"55P03", // another transaction holds a lock
		"57014": // cancelled by a person or by a timeout that this program did not set: MapError
		return true
	}
	// 08 connection, 53 out of connections, disk or memory, 57P01 to 57P05 shutting down, starting up or closing.
	return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P0")
}

// isBusy reports whether another SQLite connection holds a lock that this one needs.
func isBusy(err error) bool {
	var sqliteErr *sqlite.Error
	return errors.As(err, &sqliteErr) && primaryCode(sqliteErr) == sqlite3.SQLITE_BUSY
}

// primaryCode strips the bits that SQLite's extended codes add.
func primaryCode(err *sqlite.Error) int { return err.Code() & 0xff }
