package session

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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
			timeouts := Timeouts{Statement: 7 * time.Second, Lock: 3 * time.Second, Idle: 60 * time.Second}
			pool := openTest(t, prepare(t, pgtest.URL(t)), 1, timeouts)
			for _, s := range requiredSettings(timeouts) {
				if _, ok := otherValues[s.name]; !ok {
					t.Errorf("otherValues has no %s", s.name)
				}
				var got string
				err := pool.QueryRowContext(t.Context(), "SELECT setting FROM pg_settings WHERE name = $1", s.name).Scan(&got)
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
	pool := openTest(t, address, 1, Timeouts{})
	var value sql.NullString
	err := pool.QueryRowContext(t.Context(), "SELECT current_setting('transaction_timeout', true)").Scan(&value)
	if err != nil || value.Valid && value.String != "0" {
		t.Errorf("got %+v, %v", value, err)
	}
}

func TestTheURLMayChangePreferredSettings(t *testing.T) {
	t.Parallel()
	pool := openTest(t, withQuery(t, pgtest.URL(t), func(query url.Values) { query.Set("JIT", "on"); query.Set("search_path", "mine") }), 1, Timeouts{})
	for name, want := range map[string]string{"jit": "on", "enable_seqscan": "off", "search_path": "mine"} {
		var got string
		if err := pool.QueryRowContext(t.Context(), "SHOW "+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", name, got, want, err)
		}
	}
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

func openTest(t *testing.T, address string, limit int, timeouts Timeouts) *sql.DB {
	t.Helper()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	pool := Open(config, limit, Options{Timeouts: timeouts})
	pool.SetMaxOpenConns(limit)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}
