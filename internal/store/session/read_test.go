package session

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// The rows of Read come from pgx. An error before, in or after them is that of Read, and leaves the session usable.
func TestReadLeavesAUsableSession(t *testing.T) {
	t.Parallel()
	errScan := errors.New("scan")
	address := pgtest.URL(t)
	timeouts := Timeouts{Statement: 7 * time.Second}
	observer := openTest(t, address, 1, Timeouts{})
	for kind, pool := range map[string]*sql.DB{"own sessions": openTest(t, address, 1, timeouts), "a pooler": openPooled(t, address, 1, timeouts)} {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range []struct {
			name, query, state string
			ctx                context.Context
			fails              error
			end                bool // the request ends with the last row: an error or none, as a COMMIT follows or not
			endRunning         bool // the request ends while its statement runs
		}{
			{name: "all rows", query: "SELECT g FROM generate_series(1, $1::int) AS g"},
			{name: "a wrong statement", query: "SELECT nothing + $1::int", state: "42703"},
			{name: "a row after the first fails", query: "SELECT 1 / (2 - g) FROM generate_series(1, $1::int) AS g", state: "22012"},
			{name: "the scan fails", query: "SELECT g FROM generate_series(1, $1::int) AS g", fails: errScan},
			{name: "the request ends with the rows", query: "SELECT g FROM generate_series(1, $1::int) AS g", end: true},
			{name: "the request has ended", query: "SELECT $1::int", ctx: ended, fails: context.Canceled},
			{name: "the request ends", query: "SELECT $1::int FROM pg_sleep(60)", endRunning: true, state: "57014"},
		} {
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			sum := 0
			ctx, end := context.WithCancel(c.ctx)
			if c.endRunning {
				go func() {
					defer end()
					awaitStatement(t, observer, "%pg_sleep(60)%")
				}()
			}
			err := Read(ctx, conn, c.query, []any{3}, func(rows Rows) error {
				for rows.Next() {
					var n int
					if err := rows.Scan(&n); err != nil {
						return err
					}
					if errors.Is(c.fails, errScan) {
						return errScan
					}
					sum += n
				}
				if c.end {
					end()
				}
				return nil
			})
			end()
			pgErr, _ := errors.AsType[*pgconn.PgError](err)
			switch {
			case c.end && errors.Is(err, context.Canceled):
			case c.state != "" && (pgErr == nil || pgErr.Code != c.state), c.state == "" && !errors.Is(err, c.fails):
				t.Errorf("%s, %s: got %v", kind, c.name, err)
			case err == nil && sum != 6:
				t.Errorf("%s, %s: the rows add up to %d", kind, c.name, sum)
			}
			var timeout string
			err = Read(t.Context(), conn, "SELECT current_setting('statement_timeout')", nil, func(rows Rows) error {
				rows.Next()
				return rows.Scan(&timeout)
			})
			if err != nil || timeout != "7s" {
				t.Errorf("%s, after %q: got the setting %q, %v", kind, c.name, timeout, err)
			}
		}
	}
}

// awaitStatement waits until another session of the database runs a statement like a pattern.
func awaitStatement(t *testing.T, observer *sql.DB, pattern string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var running bool
		err := observer.QueryRow("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"+
			" AND pid <> pg_backend_pid() AND query LIKE $1)", pattern).Scan(&running)
		if err != nil {
			t.Error(err)
		}
		if err != nil || running {
			return
		}
	}
	t.Errorf("no statement like %s runs", pattern)
}
