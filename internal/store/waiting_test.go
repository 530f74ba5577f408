package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// Who works on counts in PostgreSQL waits for those who are at the same rows, for as long as that takes, and then sees
// what they did. SQLite has one writer at a time.

// waits returns when n sessions of the database wait for a lock.
func waits(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	waiting := -1
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
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

// begin runs SQL in a transaction that the caller commits.
func begin(t *testing.T, db *sql.DB, statements ...string) *sql.Tx {
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

func TestTheStatementTimeoutDoesNotCutAFoldOff(t *testing.T) {
	const timeout = 100 * time.Millisecond
	url := pgtest.URL(t)
	Load(t, Open(t, url), "acme", Entry(1, 0, "eu", "api"))
	s, err := store.Open(store.Options{URL: url, StatementTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := recordImage(s, 2, "eu", "api", "web"); err != nil {
		t.Fatal(err)
	}
	db := plain(t, url)
	holder := begin(t, db, "SELECT FROM list_totals FOR UPDATE")
	folded := make(chan error, 1)
	go func() {
		n, err := s.Compact(t.Context())
		if err == nil && n == 0 {
			err = fmt.Errorf("nothing was folded")
		}
		folded <- err
	}()
	waits(t, db, 1)
	select {
	case err := <-folded:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(3 * timeout):
	}
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-folded; err != nil {
		t.Error(err)
	}
	verified(t, s)
}

func TestAMigrationTakesAlongWhatIsBeingRecorded(t *testing.T) {
	for _, version := range []int64{1, 2, 3} {
		t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
			url := pgtest.URL(t)
			store.MigrateTo(t, url, version)
			db := plain(t, url)
			environment, artifact := NameID("acme", "environment", "eu"), NameID("acme", "artifact", "1")
			record := func(n int) string {
				return fmt.Sprintf("INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)"+
					" VALUES ('%s', 1, '%s', 'app%d', '%s', 1, 1, now(), now(), now())", ID(n), environment, n, artifact)
			}
			slot := func(n int) string {
				return fmt.Sprintf("INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, created_at)"+
					" SELECT organization_id, environment_id, deployment_name, id, artifact_id, kind, status, created_at FROM deployment_records WHERE id = '%s'", ID(n))
			}
			before := begin(t, db,
				"INSERT INTO organizations (key) VALUES ('acme')",
				"INSERT INTO environments (id, organization_id, name) VALUES ('"+environment+"', 1, 'eu')",
				"INSERT INTO artifacts (id, organization_id, kind, name, version, digest) VALUES ('"+artifact+"', 1, 1, 'n', 'v', '"+Digest(1)+"')",
				record(1), slot(1))
			if err := before.Commit(); err != nil {
				t.Fatal(err)
			}

			recorder := begin(t, db, record(2), slot(2))
			migrated := make(chan error, 1)
			go func() {
				_, err := store.Migrate(t.Context(), url)
				migrated <- err
			}()
			waits(t, db, 1)
			if err := recorder.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-migrated; err != nil {
				t.Fatal(err)
			}
			s := Open(t, url)
			verified(t, s)
			for _, history := range []deployments.History{deployments.All, deployments.Latest} {
				WantIDs(t, s, acme, deployments.Query{History: history}, 2, 1)
			}
		})
	}
}

func TestARepairWaitsForAnImport(t *testing.T) {
	url := pgtest.URL(t)
	s := Open(t, url)
	s.SetImportLimits(2, 100, 1)
	Load(t, s, "acme", Entry(1, 0, "eu", "api"))
	db := plain(t, url)
	if _, err := db.Exec("UPDATE list_totals SET n = n + 7"); err != nil {
		t.Fatal(err)
	}
	repaired := make(chan error, 1)
	_, err := s.Import(t.Context(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
		for i := range 10 {
			if i == 5 {
				go func() { repaired <- s.Repair(t.Context(), "acme") }()
				waits(t, db, 1)
			}
			e := Entry(i+2, i, "eu", fmt.Sprint("app", i%3))
			e.Line = i + 1
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-repaired; err != nil {
		t.Fatal(err)
	}
	verified(t, s)
	if got := Ask(t, s, acme, deployments.Query{History: deployments.All}); got.Total != 11 {
		t.Errorf("got %d records", got.Total)
	}
}
