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
)

// MapError converts a driver's error to an error that deployments.Store documents.
func MapError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		// The drivers wrap the context's error, or report the connection that they closed.
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	case isTimeout(err):
		return fmt.Errorf("%w (%w)", context.DeadlineExceeded, err)
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", deployments.ErrUnavailable, err)
	}
	return err
}

// IsConflict reports whether another transaction was in the way, so that the same transaction may succeed when retried.
func IsConflict(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code {
		case "40001", "40P01", "23505": // serialization failure, deadlock, a name that two writers made at once
			return true
		}
		return false
	}
	return isBusy(err)
}

func isTimeout(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "57014" // query_canceled: statement_timeout
}

func isUnavailable(err error) bool {
	var (
		pgErr      *pgconn.PgError
		connectErr *pgconn.ConnectError
		netErr     net.Error
		sqliteErr  *sqlite.Error
	)
	switch {
	case errors.As(err, &pgErr):
		// 08 connection, 53 out of connections, disk or memory, 57P01 to 57P03 shutting down or starting up,
		// 25006 read only: a primary that became a standby.
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "53") ||
			strings.HasPrefix(pgErr.Code, "57P0") || pgErr.Code == "25006"
	case errors.As(err, &sqliteErr):
		switch primaryCode(sqliteErr) {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	case errors.As(err, &connectErr), errors.As(err, &netErr):
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// isBusy reports whether another SQLite connection holds a lock that this one needs.
func isBusy(err error) bool {
	var sqliteErr *sqlite.Error
	return errors.As(err, &sqliteErr) && primaryCode(sqliteErr) == sqlite3.SQLITE_BUSY
}

// primaryCode strips the bits that SQLite's extended codes add.
func primaryCode(err *sqlite.Error) int { return err.Code() & 0xff }
