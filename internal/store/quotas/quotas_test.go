package quotas_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// image returns a recording in the environment and deployment, of the project versions.
func image(environment, deployment string, versions ...deployments.ProjectVersion) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment, Kind: deployments.ContainerImage, Digest: storetest.Digest(1),
		Status: deployments.Deployed, ProjectVersions: versions,
	}
}

func version(project, name string) deployments.ProjectVersion {
	return deployments.ProjectVersion{ProjectName: project, VersionName: name}
}

func staged(stage string) deployments.Recording {
	r := image("e1", "d1")
	r.LogicalEnvironmentName = stage
	return r
}

func batchOf(recordings ...deployments.Recording) (batch deployments.Batch) {
	batch.AutoCreate = true
	for _, r := range recordings {
		batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
	}
	return batch
}

func record(s *store.Store, batch deployments.Batch) (deployments.BatchResult, error) {
	return s.Record(context.Background(), "acme", batch)
}

func mustRecord(t *testing.T, s *store.Store, batch deployments.Batch) deployments.BatchResult {
	t.Helper()
	result, err := record(s, batch)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// two of everything.
var two = store.Quotas{Environments: 2, LogicalEnvironments: 2, Projects: 2, ProjectVersions: 3, Deployments: 4}

// counted returns the number of rows of a table.
func counted(t *testing.T, db *database.DB, table string) (n int) {
	t.Helper()
	if err := db.Pool.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func requireVerified(t *testing.T, s *store.Store) {
	t.Helper()
	storetest.RequireVerified(t, s, "acme")
}

func TestW9_RecordingBeyondAQuotaIsRejected(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{Quotas: two})
		full := []deployments.Recording{
			staged("production"), staged("staging"), image("e2", "d1", version("p1", "v1"), version("p2", "v1"), version("p2", "v2")),
			image("e2", "d2"), image("e2", "d3"),
		}
		mustRecord(t, s, batchOf(full...))
		for want, recording := range map[string]deployments.Recording{
			`environment_name: "e3" exceeds the quota of environments: the organization has 2, and the limit is 2`:                          image("e3", "d1"),
			`logical_environment_name: "test" exceeds the quota of logical environments: the organization has 2, and the limit is 2`:        staged("test"),
			`project_versions.project_name: "p3" exceeds the quota of projects: the organization has 2, and the limit is 2`:                 image("e1", "d1", version("p3", "v1")),
			`project_versions.project_version_name: "v2" exceeds the quota of project versions: the organization has 3, and the limit is 3`: image("e1", "d1", version("p1", "v2")),
			`deployment_name: "d2" exceeds the quota of deployments: the organization has 4, and the limit is 4`:                            image("e1", "d2"),
		} {
			var quota *deployments.QuotaError
			if _, err := record(s, batchOf(recording)); !errors.As(err, &quota) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if _, err := record(s, batchOf(staged("production"), recording)); !errors.As(err, &quota) || err.Error() != want {
				t.Errorf("in a batch: got %v, want %s", err, want)
			}
		}
		mustRecord(t, s, batchOf(full...))
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Total; got != 4 {
			t.Errorf("%d slots", got)
		}
		requireVerified(t, s)
		// Another organization has quotas of its own.
		if _, err := s.Record(t.Context(), "globex", batchOf(image("e3", "d1"))); err != nil {
			t.Error(err)
		}
	})
}

func TestW9_PartialBatchRejectsTheItemsBeyondAQuota(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{Quotas: two})
		batch := batchOf(
			image("e1", "d1"), image("e2", "d1", version("p1", "v1")), image("e3", "d1", version("p9", "v9")),
			image("e1", "d2", version("p1", "v2"), version("p2", "v1"), version("p3", "v1")), // the third project is too many
			image("e1", "d3"), image("e1", "d4"), image("e1", "d5"), image("e1", "d1"))
		batch.Partial = true
		result := mustRecord(t, s, batch)
		for i, want := range []string{"", "", `environment_name: "e3" exceeds`, `project_versions.project_name: "p3" exceeds`, "", "", `deployment_name: "d5" exceeds`, ""} {
			got := fmt.Sprint(result.Items[i].Violations)
			if want == "" && got != "[]" || !strings.HasPrefix(got, "["+want) {
				t.Errorf("item %d: got %s, want %q", i, got, want)
			}
		}
		for table, want := range map[string]int{"environments": 2, "projects": 1, "project_versions": 1, "current_slots": 4} {
			if got := counted(t, db, table); got != want {
				t.Errorf("%d %s, want %d", got, table, want)
			}
		}
		if db.Dialect == database.PostgreSQL && counted(t, db, "slots") != 4 {
			t.Error("the lock rows of rejected items stay")
		}
		requireVerified(t, s)
	})
}

func TestW9_SnapshotsObeyQuotas(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{Quotas: store.Quotas{Environments: 1, Deployments: 2}})
		mustRecord(t, s, batchOf(image("e1", "d1")))
		part := func(environment string, number, parts int, deployment string) deployments.Batch {
			batch := batchOf(image(environment, deployment))
			batch.Snapshot = &deployments.Snapshot{
				EnvironmentName: environment, ObservedAt: time.Now(), Part: &deployments.SnapshotPart{SnapshotID: "s" + environment, Number: number, Parts: parts},
			}
			batch.Partial = true
			return batch
		}
		var quota *deployments.QuotaError
		if _, err := record(s, part("e2", 1, 0, "d1")); !errors.As(err, &quota) || quota.Quota != "environments" {
			t.Errorf("a snapshot of a new environment: got %v", err)
		}
		at := time.Now()
		first, last := part("e1", 1, 0, "d2"), part("e1", 2, 2, "d3")
		first.Snapshot.ObservedAt, last.Snapshot.ObservedAt = at, at
		last.Partial = false
		mustRecord(t, s, first)
		if _, err := record(s, last); !errors.As(err, &quota) || quota.Quota != "deployments" {
			t.Errorf("a part beyond the quota: got %v", err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{Status: deployments.Decommissioned})
		last.Partial = true
		result := mustRecord(t, s, last)
		if len(result.Items[0].Violations) != 1 || result.Decommissioned != 1 || len(result.MissingParts) > 0 {
			t.Errorf("got %+v", result)
		}
		requireVerified(t, s)
	})
}

func TestW9_ImportsObeyNoQuotaAndCount(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{Quotas: store.Quotas{Environments: 3, Deployments: 3, Projects: 1}})
		for range 2 { // the second time, nothing is added
			storetest.Load(t, s, "acme", storetest.Entry(1, 1, "e1", "d1", storetest.WithProject("p1", "v1")), storetest.Entry(2, 2, "e2", "d1", storetest.WithProject("p2", "v1")))
			requireVerified(t, s)
		}
		mustRecord(t, s, batchOf(image("e3", "d1")))
		var quota *deployments.QuotaError
		for want, r := range map[string]deployments.Recording{
			"environments": image("e4", "d1"), "deployments": image("e1", "d2"), "projects": image("e1", "d1", version("p3", "v1")),
		} {
			if _, err := record(s, batchOf(r)); !errors.As(err, &quota) || quota.Quota != want {
				t.Errorf("%s: got %v", want, err)
			}
		}
		mustRecord(t, s, batchOf(image("e1", "d1", version("p2", "v2"))))
		requireVerified(t, s)
	})
}

// Eight writers of two servers add names until the limit is reached: it is reached exactly.
func TestW9_ConcurrentWritersReachTheLimitExactly(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		const environments, slots = 20, 30
		q := store.Quotas{Environments: environments, ProjectVersions: environments, Deployments: slots}
		db := storetest.OpenDatabase(t, url)
		servers := []*store.Store{store.New(db, store.Parts{Quotas: q}), store.New(storetest.OpenDatabase(t, url), store.Parts{Quotas: q})}
		write := func(recordingOf func(name string) deployments.Recording) (recorded int64) {
			var writers sync.WaitGroup
			var n atomic.Int64
			for writer := range 8 {
				writers.Go(func() {
					for i := range 4 {
						_, err := record(servers[writer%2], batchOf(recordingOf(fmt.Sprintf("%d-%d", writer, i))))
						if err == nil {
							n.Add(1)
						} else if _, ok := errors.AsType[*deployments.QuotaError](err); !ok {
							t.Error(err)
						}
					}
				})
			}
			writers.Wait()
			return n.Load()
		}
		added := write(func(name string) deployments.Recording { return image("e"+name, "d", version("p", name)) })
		if got := counted(t, db, "environments"); got != environments || added != environments {
			t.Errorf("%d environments, %d recorded", got, added)
		}
		known := storetest.Ask(t, servers[0], storetest.Acme, deployments.Query{}).Records[0].EnvironmentName
		added = write(func(name string) deployments.Recording { return image(known, "d"+name) })
		if got := counted(t, db, "current_slots"); got != slots || added != slots-environments {
			t.Errorf("%d slots, %d recorded", got, added)
		}
		requireVerified(t, servers[0])
	})
}

func TestVerifyReportsWrongNumbersOfNames(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{})
		mustRecord(t, s, batchOf(image("e1", "d1", version("p1", "v1"))))
		if _, err := db.Pool.ExecContext(t.Context(), "UPDATE organization_usage SET environments = 7, project_versions = 0"); err != nil {
			t.Fatal(err)
		}
		found, err := s.Verify(t.Context(), "acme")
		if want := "[the number of environments is stored as 7 and is 1 the number of project versions is stored as 0 and is 1]"; err != nil || fmt.Sprint(found.Faults) != want {
			t.Errorf("got %v, %v, want %s", found.Faults, err, want)
		}
		if err := s.Repair(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		requireVerified(t, s)
	})
}

// A database of the schema before quotas has names: the migration counts them.
func TestMigrationCountsNames(t *testing.T) {
	storetest.ForEachNewEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		storetest.MigrateTo(t, url, 7)
		sql := storetest.OpenSQL(t, url)
		for i, organization := range []string{"acme", "globex"} {
			id := i + 1
			engine.Insert(t, sql, "organizations", storetest.Row{"key": organization})
			for n := range 2 * id {
				name := fmt.Sprint("n", n)
				engine.Insert(t, sql, "environments", storetest.Row{"id": storetest.NameID(organization, "environment", name), "organization_id": id, "name": name})
				engine.Insert(t, sql, "logical_environments", storetest.Row{"id": storetest.NameID(organization, "logical", name), "organization_id": id, "name": name})
			}
			engine.Insert(t, sql, "projects", storetest.Row{"organization_id": id, "name": "p"})
			for n := range 3 {
				engine.Insert(t, sql, "project_versions", storetest.Row{"project_id": id, "name": fmt.Sprint("v", n)})
			}
		}
		db := storetest.OpenDatabase(t, url)
		for id, want := range []quotas.Usage{{}, {2, 2, 1, 3}, {4, 4, 1, 3}, {}} {
			if got, err := quotas.Read(db.WithContext(t.Context()), int64(id)); err != nil || got != want {
				t.Errorf("organization %d: got %+v, %v, want %+v", id, got, err, want)
			}
		}
		s := store.New(db, store.Parts{Quotas: store.Quotas{Environments: 2}})
		var quota *deployments.QuotaError
		if _, err := record(s, batchOf(image("new", "d"))); !errors.As(err, &quota) {
			t.Errorf("got %v", err)
		}
		mustRecord(t, s, batchOf(image("n0", "d")))
		requireVerified(t, s)
	})
}
