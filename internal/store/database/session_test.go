package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// otherValues has a value that differs from the required one for each required setting, and for transaction_timeout.
var otherValues = map[string]string{
	"default_transaction_isolation":       "serializable",
	"default_transaction_read_only":       "on",
	"default_transaction_deferrable":      "on",
	"lock_timeout":                        "1ms",
	"statement_timeout":                   "1min",
	"idle_in_transaction_session_timeout": "1min",
	"idle_session_timeout":                "1min",
	"client_encoding":                     "LATIN1",
	"standard_conforming_strings":         "off",
	"bytea_output":                        "escape",
	"TimeZone":                            "Asia/Kathmandu",
	"DateStyle":                           "German",
	"IntervalStyle":                       "sql_standard",
	"transform_null_equals":               "on",
}

func TestRequiredSettingsTakePrecedence(t *testing.T) {
	t.Parallel()
	defaults := func(t *testing.T, database, target string) {
		var statements strings.Builder
		for name, value := range otherValues {
			fmt.Fprintf(&statements, "ALTER %s SET %s = '%s';", target, name, value)
		}
		pgtest.Exec(t, database, statements.String())
	}
	newRole := func(t *testing.T, database string) (role, asRole string) {
		role = fmt.Sprintf("settings_%d", time.Now().UnixNano())
		pgtest.Exec(t, database, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'; GRANT CREATE ON SCHEMA public TO "+role)
		t.Cleanup(func() { pgtest.Exec(t, database, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
		return role, pgtest.WithUser(t, database, role, "x")
	}
	for name, prepare := range map[string]func(t *testing.T, database string) string{
		"role": func(t *testing.T, database string) string {
			role, asRole := newRole(t, database)
			defaults(t, database, "ROLE "+role)
			return asRole
		},
		"role in database": func(t *testing.T, database string) string {
			role, asRole := newRole(t, database)
			defaults(t, database, "ROLE "+role+" IN DATABASE "+databaseName(t, database))
			return asRole
		},
		"database": func(t *testing.T, database string) string {
			defaults(t, database, "DATABASE "+databaseName(t, database))
			return database
		},
		"URL": func(t *testing.T, database string) string {
			return withQuery(t, database, func(query url.Values) {
				for name, value := range otherValues {
					query.Set(strings.ToUpper(name), value)
				}
			})
		},
		"options of the URL": func(t *testing.T, database string) string {
			return withQuery(t, database, func(query url.Values) {
				var options strings.Builder
				for name, value := range otherValues {
					fmt.Fprintf(&options, " -c %s=%s", name, strings.ReplaceAll(value, " ", `\ `))
				}
				query.Set("options", options.String())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := Open(Options{URL: prepare(t, pgtest.URL(t)), Timeouts: Timeouts{Statement: 7 * time.Second, Lock: 3 * time.Second, Idle: 60 * time.Second}})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, s := range requiredSettings(Timeouts{Statement: 7 * time.Second, Lock: 3 * time.Second, Idle: 60 * time.Second}) {
				if _, ok := otherValues[s.name]; !ok {
					t.Errorf("otherValues has no %s", s.name)
				}
				var got string
				err := db.Pool.QueryRowContext(t.Context(), "SELECT setting FROM pg_settings WHERE name = $1", s.name).Scan(&got)
				if err != nil || got != s.value {
					t.Errorf("%s is %q, want %q (%v)", s.name, got, s.value, err)
				}
			}
		})
	}
}

// PostgreSQL has transaction_timeout since version 17.
func TestTransactionTimeoutIsDisabledWhereItExists(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pgtest.Exec(t, address, `DO $$BEGIN IF EXISTS (SELECT FROM pg_settings WHERE name = 'transaction_timeout') THEN
		EXECUTE format('ALTER DATABASE %I SET transaction_timeout = ''1min''', current_database()); END IF; END$$`)
	db := openTest(t, address)
	var value sql.NullString
	err := db.Pool.QueryRowContext(t.Context(), "SELECT current_setting('transaction_timeout', true)").Scan(&value)
	if err != nil || value.Valid && value.String != "0" {
		t.Errorf("got %+v, %v", value, err)
	}
}

func TestTheURLMayChangePreferredSettings(t *testing.T) {
	t.Parallel()
	db := openTest(t, withQuery(t, pgtest.URL(t), func(query url.Values) { query.Set("JIT", "on"); query.Set("search_path", "mine") }))
	for name, want := range map[string]string{"jit": "on", "enable_seqscan": "off", "search_path": "mine"} {
		var got string
		if err := db.Pool.QueryRowContext(t.Context(), "SHOW "+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", name, got, want, err)
		}
	}
}

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
			err := (&DB{}).MapError(t.Context(), db.WriteRetrying(t.Context(), transaction))
			if !errors.Is(err, deployments.ErrUnavailable) || errors.Is(err, deployments.ErrConflict) {
				t.Errorf("without a deadline: got %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			*attempts = 0
			err = (&DB{}).MapError(ctx, db.WriteRetrying(ctx, transaction))
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
		err := (&DB{}).MapError(t.Context(), db.WriteRetrying(t.Context(), func(tx *gorm.DB) error {
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
	if mapped := (&DB{}).MapError(t.Context(), err); !errors.Is(mapped, deployments.ErrUnavailable) {
		t.Errorf("before the deadline: got %v", mapped)
	}
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if mapped := (&DB{}).MapError(expired, err); !errors.Is(mapped, context.DeadlineExceeded) || errors.Is(mapped, deployments.ErrUnavailable) {
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

func withQuery(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	change(query)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // the driver reads + as itself
	return u.String()
}

func databaseName(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}
