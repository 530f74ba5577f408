package httpserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Each default would fail writers of one slot, or change what the driver reads.
func TestW5HoldsUnderEveryDefaultOfTheRole(t *testing.T) {
	t.Parallel()
	database := storetest.PostgreSQL(t)
	storetest.Open(t, database)
	for i, setting := range []string{
		"lock_timeout = '1ms'", "statement_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'",
		"default_transaction_isolation = 'serializable'", "default_transaction_isolation = 'repeatable read'",
		"default_transaction_read_only = on", "default_transaction_deferrable = on",
		"TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'sql_standard'", "bytea_output = 'escape'",
		"client_encoding = 'LATIN1'", "standard_conforming_strings = off", "transform_null_equals = on",
		"enable_indexscan = off", "plan_cache_mode = 'force_custom_plan'",
	} {
		t.Run(setting, func(t *testing.T) {
			role := fmt.Sprintf("writers_%d_%d", i, time.Now().UnixNano())
			pgtest.Exec(t, database, "CREATE ROLE "+role+" SUPERUSER LOGIN PASSWORD 'x'; ALTER ROLE "+role+" SET "+setting)
			t.Cleanup(func() { pgtest.Exec(t, database, "ALTER ROLE "+role+" RESET ALL; DROP ROLE "+role) })
			// The text format of values, which session parameters change, is that of this mode.
			server := newServer(t, openStore(t, pgtest.WithUser(t, database, role, "x")+"&default_query_exec_mode=exec"))
			environment := fmt.Sprintf("ü\\ü%d", i)
			var writers sync.WaitGroup
			for w := range 6 {
				writers.Go(func() {
					for n := range 4 {
						body := fmt.Sprintf(`{"environment_name":"%s","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"%s"}`,
							strings.ReplaceAll(environment, `\`, `\\`), storetest.Digest(100*w+n))
						if answer := server.post(recordPath, body); answer.status != http.StatusOK {
							t.Errorf("got %d %s", answer.status, answer.body)
						} else if created := answer.record(t).Created; time.Since(created).Abs() > time.Minute {
							t.Errorf("created_at is %s", created)
						}
					}
				})
			}
			writers.Wait()
			statuses := server.statuses("environment_name=" + strings.ReplaceAll(environment, `\`, "%5C"))
			if strings.Count(statuses, "DEPLOYED") != 1 || strings.Count(statuses, "SUPERSEDED") != 23 {
				t.Errorf("got %s", statuses)
			}
		})
	}
}

// A migration may change the types of results that statements were prepared for, on every connection of a server.
func TestRequestsSucceedAfterColumnsHaveChanged(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			url := engine.Migrated(t)
			server, db := newServer(t, storetest.Open(t, url)), storetest.OpenSQL(t, url)
			requests := func(round int) {
				t.Helper()
				var all sync.WaitGroup
				for i := range 8 {
					all.Go(func() {
						if answer := server.get("?full_history=true&environment_name=eu"); answer.status != http.StatusOK {
							t.Errorf("round %d: got %d %s", round, answer.status, answer.body)
						}
						for _, path := range []string{recordPath, batchPath} {
							body := named(fmt.Sprint("api", i), round, `"project_versions":[{"project_name":"p","project_version_name":"v"}]`)
							if path == batchPath {
								body = batchBody("", body)
							}
							if answer := server.post(path, body); answer.status != http.StatusOK {
								t.Errorf("round %d: got %d %s", round, answer.status, answer.body)
							}
						}
					})
				}
				all.Wait()
			}
			requests(1)
			requests(2)
			for i, change := range []string{"ADD COLUMN added integer", "ALTER COLUMN %s TYPE varchar(500)", "ADD COLUMN again text"} {
				for table, column := range map[string]string{
					"environments": "name", "artifacts": "version", "projects": "name", "project_versions": "name", "organizations": "key",
					"deployment_records": "deployment_name", "current_slots": "deployment_name", "slots": "deployment_name",
				} {
					if engine.Name == "SQLite" && (table == "slots" || strings.HasPrefix(change, "ALTER")) {
						continue
					}
					if _, err := db.Exec("ALTER TABLE " + table + " " + strings.Replace(change, "%s", column, 1)); err != nil {
						t.Fatal(err)
					}
				}
				requests(3 + i)
			}
			if got := strings.Count(server.statuses("status=DEPLOYED"), "DEPLOYED"); got != 8 {
				t.Errorf("%d records are deployed", got)
			}
		})
	}
}

func openStore(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// PostgreSQL raises each SQLSTATE whenever a record is written.
func TestStatesOfTheDatabaseAreNoInternalErrors(t *testing.T) {
	t.Parallel()
	database := storetest.PostgreSQL(t)
	server := newServer(t, storetest.Open(t, database), func(o *options) { o.Limits.Handle = 6 * time.Second })
	for state, want := range map[string]int{
		"55P03": 503, "25P03": 503, "25P04": 503, "57014": 503, "57P05": 503, "25006": 503, "53100": 503,
		"40001": 409, "40P01": 409, "XX000": 500,
	} {
		pgtest.Exec(t, database, `CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING ERRCODE = '`+state+`'; END$$;
CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON deployment_records FOR EACH ROW EXECUTE FUNCTION fail()`)
		answer := server.post(recordPath, deployment(1))
		if after := answer.header.Get("Retry-After"); answer.status != want || (after != "") != (want == 503) {
			t.Errorf("%s: got %d %s, Retry-After %q", state, answer.status, answer.body, after)
		}
	}
}

func TestAStatementThatAPersonCancelsIsUnavailable(t *testing.T) {
	t.Parallel()
	database := storetest.PostgreSQL(t)
	server := newServer(t, storetest.Open(t, database))
	db := storetest.OpenSQL(t, database)
	holder := storetest.Begin(t, db, "LOCK TABLE current_slots, deployment_records IN ACCESS EXCLUSIVE MODE")
	for name, request := range map[string]func() answer{
		"list":   func() answer { return server.get("") },
		"record": func() answer { return server.post(recordPath, deployment(1)) },
	} {
		answers := make(chan answer, 1)
		go func() { answers <- request() }()
		storetest.WaitForLocks(t, db, 1)
		if _, err := holder.Exec("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); err != nil {
			t.Fatal(err)
		}
		if answer := <-answers; answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
}
