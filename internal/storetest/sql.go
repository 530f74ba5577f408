package storetest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
)

// Begin executes statements in a transaction that the caller commits.
func Begin(t testing.TB, db *sql.DB, statements ...string) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, statement := range statements {
		if _, err := tx.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return tx
}

// WaitForLocks returns when n sessions of a PostgreSQL database wait for a lock.
func WaitForLocks(t testing.TB, db *sql.DB, n int) {
	t.Helper()
	waiting := -1
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting == n {
			return
		}
	}
	t.Fatalf("%d sessions wait for a lock, not %d", waiting, n)
}

// Failer is the part of testing.TB that rounds of property tests have, too.
type Failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// RequireVerified fails the test if Verify finds a fault in the organization.
func RequireVerified(t Failer, s *store.Store, organization string) {
	t.Helper()
	found, err := s.Verify(background, organization)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil && found.Found > 0 {
		t.Fatalf("Verify: %s", strings.Join(found.Faults, "\n"))
	}
}

// joinValues returns the values of each key in the rows of a query, sorted and joined by a plus sign.
func joinValues(t Failer, db *sql.DB, query string) map[string]string {
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	values := make(map[string][]string)
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		values[key] = append(values[key], value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	joined := make(map[string]string)
	for key, of := range values {
		slices.Sort(of)
		joined[key] = strings.Join(of, "+")
	}
	return joined
}

// Execer is a database or a transaction.
type Execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

// Row is a row of a table by column.
type Row map[string]any

// Insert inserts rows into a table, in a database or a transaction of the engine.
func (e Engine) Insert(t testing.TB, db Execer, table string, rows ...Row) {
	t.Helper()
	for _, row := range rows {
		columns := slices.Sorted(maps.Keys(row))
		placeholders, values := make([]string, len(columns)), make([]any, len(columns))
		for i, column := range columns {
			placeholders[i], values[i] = fmt.Sprint("$", i+1), row[column]
			if e.Name == "SQLite" {
				placeholders[i] = "?"
				if at, ok := row[column].(time.Time); ok {
					values[i] = at.UnixMicro()
				}
			}
		}
		statement := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(placeholders, ", ") + ")"
		if _, err := db.Exec(statement, values...); err != nil {
			t.Fatalf("%s %v: %v", statement, values, err)
		}
	}
}

// SQLitePlan returns the steps of SQLite's plan of a statement.
func SQLitePlan(t testing.TB, pool *sql.DB, statement string, values []any) (steps []string) {
	t.Helper()
	rows, err := pool.Query("EXPLAIN QUERY PLAN "+statement, values...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
