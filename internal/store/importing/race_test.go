package importing_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Another writer has created a row and not yet committed it when an import creates the same row.
func TestImportAdoptsRowsOfAConcurrentWriter(t *testing.T) {
	t.Parallel()
	const theirs = "99999999-0000-4000-8000-000000000000"
	for name, row := range map[string]struct {
		table string
		storetest.Row
	}{
		"environment":         {"environments", storetest.Row{"id": theirs, "organization_id": 1, "name": "eu"}},
		"logical environment": {"logical_environments", storetest.Row{"id": theirs, "organization_id": 1, "name": "production"}},
		"artifact": {"artifacts", storetest.Row{
			"id": theirs, "organization_id": 1, "kind": 1, "name": "n", "version": "v", "digest": storetest.Digest(1), "made": true,
		}},
		"project": {"projects", storetest.Row{"organization_id": 1, "name": "web"}},
		"version": {"project_versions", storetest.Row{"project_id": 1, "name": "v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
				s := storetest.Open(t, url)
				storetest.Load(t, s, "acme", storetest.Entry(100, 0, "us", "api", storetest.WithProject("shop", "v0"))) // the organization and a project
				db := storetest.OpenSQL(t, url)
				db.SetMaxOpenConns(2)
				other := storetest.Begin(t, db)
				engine.Insert(t, other, row.table, row.Row)

				file := make([]deployments.ImportEntry, 2)
				for i := range file { // the second entry uses what the first one found
					file[i] = storetest.Entry(i+1, i, "eu", "api", storetest.WithStage("production"), storetest.WithProject("web", "v1"), storetest.WithProject("shop", "v1"))
					file[i].Record.Artifact.Name, file[i].Record.Artifact.Version, file[i].Record.Artifact.Digest = "n", "v", storetest.Digest(1)
				}
				result := make(chan error, 1)
				go func() {
					_, err := s.Import(context.Background(), "acme", storetest.Entries(file...))
					result <- err
				}()
				waitUntilBlocked(t, db, engine, result)
				if err := other.Commit(); err != nil {
					t.Fatal(err)
				}
				if err := <-result; err != nil {
					t.Fatalf("import: %v", err)
				}

				got := storetest.Ask(t, s, storetest.Acme, deployments.Query{
					EnvironmentName: "eu", LogicalEnvironmentName: "production", ArtifactDigest: storetest.Digest(1), History: deployments.All,
					ProjectName: "web", ProjectVersionName: "v1",
				})
				if got.Total != 2 || storetest.Ask(t, s, storetest.Acme, deployments.Query{ProjectName: "shop", ProjectVersionName: "v1"}).Total != 1 {
					t.Fatalf("got %+v", got)
				}
				for _, r := range got.Records {
					id, ok := map[string]string{"environment": r.EnvironmentID, "logical environment": r.LogicalEnvironmentID, "artifact": r.ArtifactID}[name]
					if ok && id != theirs {
						t.Errorf("the import has created its own %s: %+v", name, r)
					}
				}
			})
		})
	}
}

// waitUntilBlocked returns when the import waits for another writer.
func waitUntilBlocked(t *testing.T, db *sql.DB, engine storetest.Engine, result <-chan error) {
	t.Helper()
	if engine.Name == "SQLite" {
		// SQLite does not report who waits. An import that does not wait yet waits a moment later.
		time.Sleep(50 * time.Millisecond)
		return
	}
	for giveUp := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var blocked bool
		err := db.QueryRow("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)").Scan(&blocked)
		switch {
		case err != nil:
			t.Fatal(err)
		case blocked:
			return
		case time.Now().After(giveUp):
			t.Fatal("the import does not wait for the other writer")
		}
		select {
		case err := <-result:
			t.Fatalf("the import did not wait: %v", err)
		default:
		}
	}
}

// The row of the other writer may contradict the file.
func TestI4_ContradictionWithAConcurrentWriterIsReported(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := storetest.Open(t, url)
		storetest.Load(t, s, "acme", storetest.Entry(100, 0, "us", "api"))
		db := storetest.OpenSQL(t, url)
		other := storetest.Begin(t, db)
		engine.Insert(t, other, "environments", storetest.Row{"id": "99999999-0000-4000-8000-000000000000", "organization_id": 1, "name": "eu"})
		result := make(chan error, 1)
		go func() {
			_, err := s.Import(context.Background(), "acme", storetest.Entries(storetest.Entry(1, 1, "eu", "api", storetest.WithIDs("acme")), storetest.Entry(2, 2, "eu", "api")))
			result <- err
		}()
		waitUntilBlocked(t, db, engine, result)
		if err := other.Commit(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("environment_name: %q has the id 99999999-0000-4000-8000-000000000000 already, and %s here", "eu", storetest.NameID("acme", "environment", "eu"))
		if err := <-result; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one fault with %s", err, want)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All}, 100)
	})
}

// Imports and recorders create the same names at the same time, each with its own connections.
func TestConcurrentImportsAndRecordersOfTheSameNamesSucceed(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		importing, recording := storetest.Open(t, url), storetest.Open(t, url)
		storetest.Load(t, importing, "acme", storetest.Entry(100, 0, "us", "api"))
		const rounds = 25
		for round := range rounds {
			name := func(kind string) string { return fmt.Sprint(kind, round) }
			entry := storetest.Entry(round+1, round, name("env"), "imported", storetest.WithStage(name("stage")), storetest.WithProject(name("project"), "v1"), storetest.WithDigest(round+2))
			entry.Record.Artifact.Name, entry.Record.Artifact.Version = "n", "v"
			n, v := "n", "v"
			item := deployments.Recording{
				EnvironmentName: name("env"), LogicalEnvironmentName: name("stage"), DeploymentName: "recorded",
				Kind: deployments.ContainerImage, Name: &n, Version: &v, Digest: storetest.Digest(round + 2), Status: deployments.Deployed,
				ProjectVersions: entry.ProjectVersions,
			}
			results := make(chan error, 2)
			go func() {
				_, err := importing.Import(context.Background(), "acme", storetest.Entries(entry))
				results <- err
			}()
			go func() {
				_, err := recording.Record(context.Background(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: item}}, AutoCreate: true})
				results <- err
			}()
			for range 2 {
				if err := <-results; err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			}
			got := storetest.Ask(t, importing, storetest.Acme, deployments.Query{EnvironmentName: name("env"), ProjectName: name("project")}).Records
			if len(got) != 2 || got[0].ArtifactID != got[1].ArtifactID || got[0].EnvironmentID != got[1].EnvironmentID {
				t.Fatalf("round %d: %+v", round, got)
			}
		}
	})
}
