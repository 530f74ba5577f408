package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// openPooled opens a pool of a database behind PgBouncer in transaction mode.
func openPooled(t *testing.T, address string, limit int, timeouts Timeouts) *sql.DB {
	t.Helper()
	config, err := pgx.ParseConfig(pgtest.NewPooler(t).URL(t, address))
	if err != nil {
		t.Fatal(err)
	}
	pool := Open(config, limit, Options{Timeouts: timeouts, PerTransaction: true})
	pool.SetMaxOpenConns(limit)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func TestEveryTransactionBehindAPoolerHasTheSettings(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	var defaults strings.Builder
	for name, value := range otherValues {
		fmt.Fprintf(&defaults, "ALTER DATABASE %s SET %s = '%s';", databaseName(t, address), name, value)
	}
	pgtest.Exec(t, address, defaults.String())
	pgtest.Exec(t, address, "BEGIN READ WRITE; CREATE SCHEMA chosen; COMMIT")
	timeouts := Timeouts{Statement: 7 * time.Second, Lock: 3 * time.Second, Idle: 60 * time.Second}
	// The URL chooses a schema and one of the preferred settings, and may not change a required one.
	pool := openPooled(t, withQuery(t, address, func(query url.Values) {
		query.Set("search_path", "chosen,public")
		query.Set("JIT", "on")
		query.Set("Lock_Timeout", "1ms")
	}), 2, timeouts)

	const current = "SELECT name, setting FROM pg_settings"
	check := func(kind string, query func(ctx context.Context, query string, args ...any) (*sql.Rows, error)) {
		t.Helper()
		got := map[string]string{}
		rows, err := query(t.Context(), current)
		for err == nil && rows.Next() {
			var name, value string
			err = rows.Scan(&name, &value)
			got[name] = value
		}
		if err == nil {
			err = rows.Err()
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		want := append(requiredSettings(timeouts), setting{"search_path", "chosen,public"}, setting{"jit", "on"}, setting{"enable_seqscan", "off"},
			setting{"plan_cache_mode", "force_generic_plan"}, setting{"application_name", "deployrecords"},
			setting{"transaction_isolation", "read committed"}, setting{"transaction_read_only", "off"})
		if kind == "a snapshot" {
			want = append(want[:len(want)-2], setting{"transaction_isolation", "repeatable read"}, setting{"transaction_read_only", "on"})
		}
		if timeout, ok := got["transaction_timeout"]; ok && timeout != "0" {
			t.Errorf("%s: transaction_timeout is %s", kind, timeout)
		}
		for _, s := range want {
			if got[s.name] != s.value {
				t.Errorf("%s: %s is %q, want %q", kind, s.name, got[s.name], s.value)
			}
		}
	}
	check("a statement alone", pool.QueryContext)
	for kind, options := range map[string]*sql.TxOptions{
		"a transaction": nil,
		"a snapshot":    {Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	} {
		tx, err := pool.BeginTx(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		check(kind, tx.QueryContext)
		if err := tx.Commit(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Clients that share sessions find nothing in them, and leave nothing.
func TestClientsOfAPoolerLeaveNothingInItsSessions(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pgtest.Exec(t, address, "CREATE TABLE slots (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
	const clients, rounds = 5 * pgtest.PoolerSessions, 20
	pool := openPooled(t, address, clients, Timeouts{Statement: 10 * time.Second})
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for round := range rounds {
				n := client*rounds + round
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if round%4 == 3 { // a client that hangs up
					ctx, cancel = context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(20*time.Millisecond))))
				}
				err := insert(ctx, pool, n)
				if err != nil && ctx.Err() == nil {
					t.Errorf("client %d, round %d: %v", client, round, err)
				}
				cancel()
			}
		})
	}
	running.Wait()
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for query, want := range map[string]int{
		"SELECT count(*) FROM pg_prepared_statements":               0,
		"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'": 0,
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()": 0,
		"SELECT greatest(count(*), 4) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'":                  pgtest.PoolerSessions,
	} {
		var got int
		if err := tx.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %d, want %d, %v", query, got, want, err)
		}
	}
}

// insert adds a number by a statement alone or in a transaction, and reads it.
func insert(ctx context.Context, pool *sql.DB, n int) error {
	var got int
	switch n % 3 {
	case 0:
		return pool.QueryRowContext(ctx, "INSERT INTO slots VALUES ($1) RETURNING n", n).Scan(&got)
	case 1:
		_, err := pool.ExecContext(ctx, "INSERT INTO slots VALUES ($1)", n)
		return err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, "INSERT INTO slots VALUES ($1)", n); err == nil {
		err = tx.QueryRowContext(ctx, "SELECT n FROM slots WHERE n = $1", n).Scan(&got)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// The error of the COMMIT that follows a statement alone is an error of the statement, however its rows are read.
func TestACommitThatFailsAfterAStatementAloneIsItsError(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pgtest.Exec(t, address, "CREATE TABLE slots (n int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO slots VALUES (1)")
	pool := openPooled(t, address, 1, Timeouts{})
	const duplicate = "INSERT INTO slots VALUES (1) RETURNING n"
	for name, run := range map[string]func() error{
		"exec":      func() error { _, err := pool.ExecContext(t.Context(), duplicate); return err },
		"query row": func() error { return pool.QueryRowContext(t.Context(), duplicate).Scan(new(int)) },
		"query, all rows": func() error {
			rows, err := pool.QueryContext(t.Context(), duplicate)
			for err == nil && rows.Next() {
				err = rows.Scan(new(int))
			}
			return errors.Join(err, rows.Err())
		},
		"read": func() error {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			return Read(t.Context(), conn, duplicate, nil, func(Rows) error { return nil })
		},
		"query, closed early": func() error {
			rows, err := pool.QueryContext(t.Context(), duplicate)
			if err != nil {
				return err
			}
			return errors.Join(rows.Err(), rows.Close())
		},
	} {
		err := run()
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "23505" {
			t.Errorf("%s: got %v", name, err)
		}
		var n int
		if err := pool.QueryRowContext(t.Context(), "SELECT count(*) FROM slots").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: then there are %d rows, %v", name, n, err)
		}
	}
}
