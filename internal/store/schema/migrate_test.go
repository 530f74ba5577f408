package schema_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var environmentID = storetest.NameID("acme", "environment", "eu")

func artifactID(n int) string { return storetest.NameID("acme", "artifact", fmt.Sprint(n)) }

// insertNames inserts an organization, an environment and artifacts 0 to n-1.
func insertNames(t *testing.T, engine storetest.Engine, db storetest.Execer, artifacts int) {
	t.Helper()
	engine.Insert(t, db, "organizations", storetest.Row{"key": "acme"})
	engine.Insert(t, db, "environments", storetest.Row{"id": environmentID, "organization_id": 1, "name": "eu"})
	for n := range artifacts {
		engine.Insert(t, db, "artifacts", storetest.Row{
			"id": artifactID(n), "organization_id": 1, "kind": 1, "name": "n", "version": fmt.Sprint("v", n), "digest": storetest.Digest(n),
		})
	}
}

// insertRecord inserts record n, as schemas before project sets have it, and its slot if it is the latest there.
func insertRecord(t *testing.T, engine storetest.Engine, db storetest.Execer, n, artifact int, deployment string, at time.Time, latest bool) {
	t.Helper()
	record := storetest.Row{
		"id": storetest.ID(n), "organization_id": 1, "environment_id": environmentID, "deployment_name": deployment,
		"artifact_id": artifactID(artifact), "kind": 1, "status": 1, "created_at": at, "updated_at": at, "last_seen_at": at,
	}
	engine.Insert(t, db, "deployment_records", record)
	if latest {
		record["record_id"] = record["id"]
		for _, column := range []string{"id", "updated_at", "last_seen_at"} {
			delete(record, column)
		}
		engine.Insert(t, db, "current_slots", record)
	}
}

func TestMigrationFromTheFirstSchemaKeepsItsRecords(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 1)
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 1)
		insertRecord(t, engine, db, 1, 0, "api", storetest.Start, true)

		s := storetest.Open(t, url)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1)
		if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 || found.Totals == 0 || found.Pending != 0 {
			t.Errorf("the counters: %+v, %v", found, err)
		}
		// A recording supersedes the old record, and finds its artifact by the digest.
		version := "v0"
		result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{
			{Recording: deployments.Recording{EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: storetest.Digest(2), Status: deployments.Deployed}},
			{Recording: deployments.Recording{EnvironmentName: "eu", DeploymentName: "web", Kind: deployments.ContainerImage, Digest: storetest.Digest(0), Version: &version, Status: deployments.Deployed}},
		}, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Items[1].Record; got.Artifact.Name != "n" || got.ArtifactID != artifactID(0) {
			t.Errorf("got %+v", got)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All, Status: deployments.Superseded}, 1)
	})
}

func TestMigrationIncludesConcurrentRecordingsInPostgreSQL(t *testing.T) {
	t.Parallel()
	engine := storetest.Engines[0]
	for _, version := range []int64{1, 2, 3} {
		t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
			t.Parallel()
			url := engine.URL(t)
			storetest.MigrateTo(t, url, version)
			db := storetest.OpenSQL(t, url)
			insertNames(t, engine, db, 1)
			insertRecord(t, engine, db, 1, 0, "app1", storetest.At(1), true)

			recorder := storetest.Begin(t, db)
			insertRecord(t, engine, recorder, 2, 0, "app2", storetest.At(2), true)
			migrated := make(chan error, 1)
			go func() {
				_, err := store.Migrate(t.Context(), url)
				migrated <- err
			}()
			storetest.WaitForLocks(t, db, 1)
			if err := recorder.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-migrated; err != nil {
				t.Fatal(err)
			}
			s := storetest.Open(t, url)
			storetest.RequireVerified(t, s, "acme")
			for _, history := range []deployments.History{deployments.All, deployments.Latest} {
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: history}, 2, 1)
			}
		})
	}
}

// A database of the schema before project sets gets them from its links, and its totals stay.
func TestMigrationAddsProjectSets(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 3)
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 4)
		engine.Insert(t, db, "organizations", storetest.Row{"key": "other"})
		for _, project := range []storetest.Row{{"organization_id": 1, "name": "web"}, {"organization_id": 1, "name": "shop"}, {"organization_id": 2, "name": "web"}} {
			engine.Insert(t, db, "projects", project)
		}
		for _, version := range []storetest.Row{{"project_id": 1, "name": "v1"}, {"project_id": 1, "name": "v2"}, {"project_id": 2, "name": "v1"}, {"project_id": 3, "name": "v1"}} {
			engine.Insert(t, db, "project_versions", version)
		}
		for _, link := range [][2]int{{1, 1}, {2, 1}, {3, 2}, {1, 2}, {2, 3}} {
			engine.Insert(t, db, "project_version_artifacts", storetest.Row{"project_version_id": link[0], "artifact_id": artifactID(link[1])})
		}
		// One slot has had the first three artifacts, another has the last.
		for n, deployment := range []string{"api", "api", "api", "web"} {
			insertRecord(t, engine, db, n, n, deployment, storetest.At(n), n >= 2)
		}
		engine.Insert(t, db, "list_totals", storetest.Row{
			"organization_id": 1, "latest": false, "environment_id": counts.AnyID, "logical_environment_id": counts.AnyID,
			"deployment_name": "gone", "status": 0, "kind": 0, "n": 0,
		})

		s := storetest.Open(t, url)
		for _, project := range []struct {
			name        string
			all, latest []int
		}{{"web", []int{3, 2, 1}, []int{3, 2}}, {"shop", []int{2}, []int{2}}} {
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: project.name}, project.all...)
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{ProjectName: project.name}, project.latest...)
		}
		storetest.WantIDs(t, s, deployments.Scope{Organization: "acme", Project: "shop"}, deployments.Query{ProjectName: "web"}, 2)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All}, 3, 2, 1, 0)
		storetest.RequireVerified(t, s, "acme")
		var stored int
		if err := db.QueryRow("SELECT count(*) FROM list_totals WHERE deployment_name = 'gone'").Scan(&stored); err != nil || stored != 1 {
			t.Errorf("%d totals stayed, %v", stored, err)
		}
		if err := storetest.RecordImage(s, 0, "eu", "api", "shop"); err != nil {
			t.Fatal(err)
		}
		storetest.RequireVerified(t, s, "acme")
	})
}

// A server of the version before, which runs beside the new ones for a moment, cannot add records that no list of projects
// contains.
func TestRecordsWithoutProjectSetAreRejectedInPostgreSQL(t *testing.T) {
	t.Parallel()
	url := storetest.Engines[0].URL(t)
	s := storetest.Open(t, url)
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithProject("web", "v1")))
	_, err := storetest.OpenSQL(t, url).Exec(`INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at)
SELECT gen_random_uuid(), organization_id, environment_id, deployment_name, artifact_id, kind, status, created_at, updated_at, last_seen_at FROM deployment_records`)
	if err == nil {
		t.Error("a record without a project set was stored")
	}
}

const (
	insertManyPostgreSQL = `INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT CAST(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000' AS uuid), 1, environments.id, 'api', artifacts.id, 1, 3, 1, at, at, at
FROM environments, artifacts, generate_series(1, 20000) AS n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 s' AS at) AS moment`

	insertManySQLite = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
INSERT INTO deployment_records (id, organization_id, environment_id, deployment_name, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT printf('%08x-0000-4000-8000-000000000000', n), 1, environments.id, 'api', artifacts.id, 1, 3, 1, n, n, n FROM environments, artifacts, numbers`

	insertLatest = `INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, project_set_id, created_at)
SELECT organization_id, environment_id, deployment_name, id, artifact_id, kind, status, project_set_id, created_at FROM deployment_records ORDER BY created_at DESC LIMIT 1`

	insertWrongMilestones = `INSERT INTO list_milestones (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
SELECT 1, '` + counts.AnyID + `', '` + counts.AnyID + `', '', 3, 1, created_at, id, 1000 FROM deployment_records ORDER BY created_at LIMIT 3`
)

// A database of the schema before milestones of projects may have wrong milestones of some build. Migrating rebuilds all of
// them, although no deltas are pending.
func TestMigrationRebuildsMilestones(t *testing.T) {
	const records = 20_000 // enough for milestones
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 4)
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 1)
		engine.Insert(t, db, "projects", storetest.Row{"organization_id": 1, "name": "web"})
		engine.Insert(t, db, "project_versions", storetest.Row{"project_id": 1, "name": "v1"})
		engine.Insert(t, db, "project_sets", storetest.Row{"organization_id": 1, "members": "1"})
		engine.Insert(t, db, "project_set_members", storetest.Row{"project_id": 1, "project_set_id": 1})
		engine.Insert(t, db, "project_version_artifacts", storetest.Row{"project_version_id": 1, "artifact_id": artifactID(0)})
		insertMany := insertManyPostgreSQL
		if engine.Name == "SQLite" {
			insertMany = insertManySQLite
		}
		// The deltas are in the totals.
		for _, statement := range []string{"UPDATE artifacts SET project_set_id = 1", insertMany, insertLatest, insertWrongMilestones, "DELETE FROM list_changes WHERE NOT latest"} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		total := func(environment, deployment string, status, kind, set int) {
			engine.Insert(t, db, "list_totals", storetest.Row{
				"organization_id": 1, "latest": false, "environment_id": environment, "logical_environment_id": counts.AnyID,
				"deployment_name": deployment, "status": status, "kind": kind, "project_set_id": set, "n": records,
			})
		}
		for _, environment := range []string{counts.AnyID, environmentID} {
			for _, status := range []int{0, 3} {
				for _, kind := range []int{0, 1} {
					total(environment, "", status, kind, 0)
				}
			}
		}
		total(counts.AnyID, "api", 0, 0, 0)
		total(counts.AnyID, "", 0, 0, 1)

		s := storetest.Open(t, url)
		storetest.RequireVerified(t, s, "acme")
		// 16 lists have milestones at 0, 1,024, … 19,456 records, and a coarse one at 0. They are all records, a status, a kind and
		// both; an environment, and with either; a deployment name, and with an environment or either; a project, and with a
		// deployment name, an environment or either.
		found, err := s.Verify(t.Context(), "acme")
		if err != nil || found.Milestones != (20+1)*16 || found.Pending != 0 || found.Records != records {
			t.Errorf("got %+v, %v", found, err)
		}
		for _, q := range []deployments.Query{{ProjectName: "web"}, {Status: deployments.Superseded, ArtifactKind: deployments.ContainerImage}} {
			q.History, q.Page = deployments.All, deployments.Page{Number: records / 4, Size: 2}
			got := storetest.Ask(t, s, storetest.Acme, q)
			if got.Total != records || len(got.Records) != 2 || got.Records[0].ID != storetest.ID(records/2) {
				t.Errorf("%+v: got %+v", q, got)
			}
		}
		if _, err := db.Exec("SELECT * FROM list_milestones"); err == nil {
			t.Error("a build that knows fewer milestones still finds them")
		}
	})
}

// insertSlot inserts a slot with record n.
func insertSlot(t *testing.T, engine storetest.Engine, db storetest.Execer, n int, deployment string, status int) {
	t.Helper()
	slot := storetest.Row{
		"organization_id": 1, "environment_id": environmentID, "deployment_name": deployment, "artifact_id": artifactID(0),
		"kind": 1, "status": status, "project_set_id": 0, "created_at": storetest.At(n),
	}
	record := storetest.Row{"id": storetest.ID(n), "updated_at": storetest.At(n), "last_seen_at": storetest.At(n)}
	maps.Copy(record, slot)
	engine.Insert(t, db, "deployment_records", record)
	slot["record_id"] = record["id"]
	engine.Insert(t, db, "current_slots", slot)
}

// A database of the schema before the index of identities keeps its records, and recordings find them.
func TestMigrationIndexesTheIdentitiesOfADatabaseWithRecords(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 6)
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 1)
		for n, deployment := range []string{"api", "web"} {
			insertSlot(t, engine, db, n, deployment, 1+n)
		}

		s := storetest.Open(t, url)
		batch := deployments.Batch{}
		for _, deployment := range []string{"api", "web"} {
			batch.Items = append(batch.Items, deployments.BatchItem{Recording: deployments.Recording{
				EnvironmentName: "eu", DeploymentName: deployment, Kind: deployments.ContainerImage, Status: deployments.Decommissioned,
			}})
		}
		result, err := s.Record(t.Context(), "acme", batch)
		if err != nil {
			t.Fatal(err)
		}
		for n, item := range result.Items {
			if item.Record.ID != storetest.ID(n) || item.Record.Status != deployments.Decommissioned {
				t.Errorf("item %d: got %+v", n, item)
			}
		}
		storetest.RequireVerified(t, s, "acme")
	})
}

// A database of the schema before the index of DEPLOYED records by deployment name keeps its records: the matrix has them, and
// a snapshot ends those that it does not name.
func TestMigrationIndexesTheDeployedRecordsOfADatabaseWithRecords(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 7) // 8 counts the names
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 1)
		for n, deployment := range []string{"api", "web", "worker"} {
			insertSlot(t, engine, db, n, deployment, max(1, 2*n-1)) // the last one is SUPERSEDED
		}

		s := storetest.Open(t, url)
		deployed := deployments.Query{History: deployments.All, Status: deployments.Deployed, Page: deployments.Page{Size: 10}}
		running := func() []string {
			overview, err := s.Overview(t.Context(), storetest.Acme, deployed, deployments.Columns{Page: deployments.Page{Size: 10}})
			if err != nil {
				t.Fatal(err)
			}
			return overview.DeploymentNames
		}
		if got := running(); !slices.Equal(got, []string{"api", "web"}) {
			t.Errorf("after the migration: %q", got)
		}
		_, err := s.Record(t.Context(), "acme", deployments.Batch{
			Snapshot: &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: storetest.At(10)}, Items: []deployments.BatchItem{{Recording: deployments.Recording{
				EnvironmentName: "eu", DeploymentName: "web", Kind: deployments.ContainerImage, Digest: storetest.Digest(0), Status: deployments.Deployed,
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := running(); !slices.Equal(got, []string{"web"}) {
			t.Errorf("after the snapshot: %q", got)
		}
		storetest.RequireVerified(t, s, "acme")
	})
}

// Slots get the times of their latest records, which a listing then shows. In PostgreSQL, a server of the version before cannot
// leave them behind.
func TestMigrationCopiesTheTimesOfTheLatestRecords(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 7) // 8 counts the names
		db := storetest.OpenSQL(t, url)
		insertNames(t, engine, db, 1)
		insertSlot(t, engine, db, 0, "api", 1)
		insertSlot(t, engine, db, 1, "web", 1)
		if _, err := db.Exec("UPDATE deployment_records SET last_seen_at = (SELECT max(created_at) FROM deployment_records)"); err != nil {
			t.Fatal(err)
		}

		s := storetest.Open(t, url)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1, 0)
		for n, record := range storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Records {
			if !record.UpdatedAt.Equal(storetest.At(1-n)) || !record.LastSeenAt.Equal(storetest.At(1)) {
				t.Errorf("got %+v", record)
			}
		}
		storetest.RequireVerified(t, s, "acme")
		if engine.Name == "SQLite" {
			return // one program at a time has the file
		}
		_, err := db.Exec(`INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, project_set_id, created_at)
SELECT organization_id, environment_id, deployment_name, record_id, artifact_id, kind, status, project_set_id, created_at FROM current_slots
ON CONFLICT (organization_id, environment_id, deployment_name) DO UPDATE SET record_id = excluded.record_id`)
		if err == nil {
			t.Error("a slot without the times of its record was stored")
		}
	})
}

// withoutPairs deletes the counters that the schema before counters of pairs lacks.
var withoutPairs = []string{
	"DELETE FROM list_totals WHERE NOT latest AND deployment_name <> '' AND (environment_id <> '" + counts.AnyID + "' OR logical_environment_id <> '" + counts.AnyID + "' OR status > 0 OR kind > 0)",
	"DELETE FROM list_totals WHERE NOT latest AND project_set_id > 0 AND (environment_id <> '" + counts.AnyID + "' OR logical_environment_id <> '" + counts.AnyID + "' OR deployment_name <> '' OR status > 0 OR kind > 0)",
	"DELETE FROM goose_db_version WHERE version_id >= 12",
}

// Pairs with a deployment name or a project are counted: what was compacted, and what is pending. A server of the version before
// cannot compact.
func TestMigrationCountsPairs(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
		var entries []deployments.ImportEntry
		for n := range 30 {
			entry := storetest.Entry(n, n, fmt.Sprint("eu", n%2), fmt.Sprint("app", n%3), storetest.WithDigest(n%5), storetest.WithStatus(deployments.Superseded))
			if n%5 < 3 {
				storetest.WithProject(fmt.Sprint("shop", n%5%2), "v1")(&entry)
			}
			if n%7 > 0 {
				storetest.WithStage(fmt.Sprint("stage", n%7%2))(&entry)
			}
			entries = append(entries, entry)
		}
		storetest.Load(t, s, "acme", entries...)
		storetest.Load(t, s, "other", storetest.Entry(100, 1, "eu0", "app0", storetest.WithProject("shop0", "v1")))
		for digest, deployment := range []string{"app0", "app1", "new"} {
			if err := storetest.RecordImage(s, digest, "eu0", deployment); err != nil {
				t.Fatal(err)
			}
		}
		db := storetest.OpenSQL(t, url)
		removeCoarseMilestones(t, engine, db)
		for _, statement := range append(withoutPairs, "ALTER TABLE list_ranges RENAME TO long_list_milestones") {
			if result, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			} else if n, _ := result.RowsAffected(); n == 0 && strings.HasPrefix(statement, "DELETE") {
				t.Fatalf("%s changed nothing", statement)
			}
		}

		if _, err := store.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		for _, organization := range []string{"acme", "other"} {
			storetest.RequireExactCounts(t, s, db, organization)
		}
		if err := storetest.RecordImage(s, 9, "eu0", "app0", "shop1"); err != nil {
			t.Fatal(err)
		}
		storetest.RequireExactCounts(t, s, db, "acme")
		if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Milestones == 0 {
			t.Errorf("got %+v, %v", found, err)
		}
		if _, err := db.Exec("SELECT * FROM long_list_milestones"); err == nil {
			t.Error("a server of the version before still finds the milestones")
		}
	})
}
