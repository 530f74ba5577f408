package recording_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// fillSlots adds slots s0, s1, ... to the environment eu of acme, each with a SUPERSEDED and a DEPLOYED record of one artifact. The
// triggers that count records do not run.
const fillSlots = `SET session_replication_role = replica;
CREATE TEMP TABLE names AS SELECT o.id AS organization_id, e.id AS environment_id, a.id AS artifact_id, a.kind
  FROM organizations o JOIN environments e ON e.organization_id = o.id AND e.name = 'eu'
  JOIN artifacts a ON a.organization_id = o.id AND a.digest = 'sha256:%064x' WHERE o.key = 'acme';
INSERT INTO slots SELECT organization_id, environment_id, 's' || i FROM names, generate_series(0, %[2]d) i;
INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT md5(i || ' ' || status)::uuid, organization_id, environment_id, 's' || i, artifact_id, kind, status, 0, at, at, at
  FROM names, generate_series(0, %[2]d) i, (VALUES (1, timestamptz '2026-01-02Z'), (3, '2026-01-01Z')) AS states (status, at);
INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT organization_id, environment_id, deployment_name, id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at FROM deployment_records WHERE created_at = '2026-01-02Z'`

// rowsRead returns how many rows and index entries all sessions that have ended have read.
func rowsRead(t *testing.T, db *sql.DB) (n int64) {
	t.Helper()
	err := db.QueryRow(`SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// endSession closes a store of one connection, and waits until the server has ended its session and has counted what it read.
func endSession(t *testing.T, s *store.Store, db *database.DB, other *sql.DB) {
	t.Helper()
	var pid int
	if err := db.Pool.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for running := true; running; time.Sleep(10 * time.Millisecond) {
		err := other.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1)", pid).Scan(&running)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Recordings read rows in proportion to their items, even if PostgreSQL's statistics and cached plans are from a time at which
// the tables had other contents.
func TestRecordingsReadFewRowsWhateverTheStatistics(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	const slots, items = 20_000, 128
	for name, before := range map[string]func(record func(deployments.Batch)){
		"empty tables": func(func(deployments.Batch)) {},
		"one slot in each environment": func(record func(deployments.Batch)) {
			var batch deployments.Batch
			for i := range 100 {
				r := recordingAt("api", 1)
				r.EnvironmentName = fmt.Sprint("env", i)
				batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
			}
			record(batch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.PostgreSQL(t)
			storetest.OpenDatabase(t, url)
			pgtest.Exec(t, url, `DO $$ DECLARE name text; BEGIN FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
  EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name); END LOOP; END $$; ANALYZE`)

			// All statements of a store with one connection have plans before the tables are filled.
			db, err := database.Open(database.Options{URL: url, MaxConnections: 1})
			if err != nil {
				t.Fatal(err)
			}
			s := store.New(db, store.Parts{})
			record := func(batch deployments.Batch) {
				t.Helper()
				batch.AutoCreate = true
				if _, err := s.Record(context.Background(), "acme", batch); err != nil {
					t.Fatal(err)
				}
			}
			kinds := func(n int) (batches []deployments.Batch) {
				for _, change := range []func(i int, r *deployments.Recording, batch *deployments.Batch){
					func(int, *deployments.Recording, *deployments.Batch) {},
					func(i int, r *deployments.Recording, _ *deployments.Batch) {
						r.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "web", VersionName: fmt.Sprint("v", i)}}
					},
					func(i int, r *deployments.Recording, _ *deployments.Batch) { r.Digest = storetest.Digest(1000 + i) },
					func(_ int, r *deployments.Recording, _ *deployments.Batch) {
						r.Status, r.Digest = deployments.Decommissioned, ""
					},
					func(_ int, r *deployments.Recording, _ *deployments.Batch) { r.Status = deployments.Decommissioned },
					func(_ int, _ *deployments.Recording, b *deployments.Batch) { b.ObservedAt = time.Now().Add(-time.Hour) },
					func(int, *deployments.Recording, *deployments.Batch) {},
				} {
					var batch deployments.Batch
					for i := range n {
						r := recordingAt(fmt.Sprint("s", i), 1)
						change(i, &r, &batch)
						batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
					}
					batches = append(batches, batch)
				}
				return batches
			}
			for _, batch := range kinds(1) {
				batch.Items[0].DeploymentName = "first"
				record(batch)
			}
			before(record)
			pgtest.Exec(t, url, "ANALYZE")
			pgtest.Exec(t, url, fmt.Sprintf(fillSlots, 1, slots))

			other := storetest.OpenSQL(t, url)
			start, n := rowsRead(t, other), int64(0)
			for _, size := range []int{1, items} {
				for _, batch := range kinds(size) {
					record(batch)
					n += int64(size)
				}
			}
			endSession(t, s, db, other)
			if read := rowsRead(t, other) - start; read > 100*n {
				t.Errorf("%d rows read for %d items in %d slots", read, n, slots)
			} else {
				t.Logf("%d rows read for %d items", read, n)
			}
		})
	}
}

// Decommissionings of what has never run read the history of each identity once, and of no other identity of the slot. That holds
// for distinct artifacts too: all but the first of an identity are invalid.
func TestDecommissioningsReadTheHistoryOfAnIdentityOnce(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	const records, items = 3000, 128
	url := pgtest.URL(t)
	db, err := database.Open(database.Options{URL: url, MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	storetest.OpenDatabase(t, url)
	s := store.New(db, store.Parts{})
	record := func(change func(i int, r *deployments.Recording)) {
		t.Helper()
		batch := deployments.Batch{AutoCreate: true, Partial: true}
		for i := range items {
			r := recordingAt("s0", 1)
			change(i, &r)
			batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
		}
		if _, err := s.Record(context.Background(), "acme", batch); err != nil {
			t.Fatal(err)
		}
	}
	record(func(_ int, r *deployments.Recording) { r.DeploymentName = "first" })
	pgtest.Exec(t, url, fmt.Sprintf(fillSlots, 1, 0))
	pgtest.Exec(t, url, fmt.Sprintf(`INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT gen_random_uuid(), organization_id, environment_id, 's0', artifact_id, kind, 3, 0, at, at, at
FROM (SELECT * FROM deployment_records WHERE status = 1 AND deployment_name = 's0') r, generate_series(1, %d) i, LATERAL (SELECT created_at - i * interval '1 s' AS at) moment;
UPDATE deployment_records SET status = 3 WHERE status = 1; ANALYZE`, records))
	other := storetest.OpenSQL(t, url)
	start := rowsRead(t, other)
	record(func(i int, r *deployments.Recording) {
		r.Status, r.Digest = deployments.Decommissioned, storetest.Digest(2)
	})
	record(func(i int, r *deployments.Recording) {
		r.Status, r.Digest = deployments.Decommissioned, storetest.Digest(1000+i)
	})
	record(func(i int, r *deployments.Recording) {
		r.Status, r.Digest, r.LogicalEnvironmentName = deployments.Decommissioned, storetest.Digest(2000+i), fmt.Sprint("l", i)
	})
	endSession(t, s, db, other)
	if read := rowsRead(t, other) - start; read > 4*records+3*items*100 {
		t.Errorf("%d rows read for %d items and a history of %d records", read, 3*items, records)
	} else {
		t.Logf("%d rows read for %d items and a history of %d records", read, 3*items, records)
	}
}
