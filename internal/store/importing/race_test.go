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

// Another writer has made something and not yet committed it when an import comes to make the same.
func TestAnImportTakesWhatAnotherWriterMakesAtTheSameMoment(t *testing.T) {
	const organization = "(SELECT id FROM organizations WHERE key = 'acme')"
	theirs := "99999999-0000-4000-8000-000000000000"
	for name, made := range map[string]string{
		"environment":         "INSERT INTO environments (id, organization_id, name) VALUES ('" + theirs + "', " + organization + ", 'eu')",
		"logical environment": "INSERT INTO logical_environments (id, organization_id, name) VALUES ('" + theirs + "', " + organization + ", 'production')",
		"artifact": "INSERT INTO artifacts (id, organization_id, kind, name, version, digest, made) VALUES ('" + theirs + "', " + organization +
			", 1, 'n', 'v', '" + storetest.Digest(1) + "', true)",
		"project": "INSERT INTO projects (organization_id, name) VALUES (" + organization + ", 'web')",
		"version": "INSERT INTO project_versions (project_id, name) VALUES ((SELECT id FROM projects WHERE name = 'shop'), 'v1')",
	} {
		t.Run(name, func(t *testing.T) {
			storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
				s := storetest.Open(t, url)
				storetest.Load(t, s, "acme", storetest.Entry(100, 0, "us", "api", storetest.WithProject("shop", "v0"))) // the organization and a project
				db := storetest.OpenSQL(t, url)
				db.SetMaxOpenConns(2)
				other, err := db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = other.Rollback() }()
				if _, err := other.Exec(made); err != nil {
					t.Fatal(err)
				}

				file := make([]deployments.ImportEntry, 2)
				for i := range file { // the second one has what the first one has found
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
						t.Errorf("the import has made its own %s: %+v", name, r)
					}
				}
			})
		})
	}
}

// waitUntilBlocked waits until the import waits for another writer.
func waitUntilBlocked(t *testing.T, db *sql.DB, engine storetest.Engine, result <-chan error) {
	t.Helper()
	if engine.Name == "SQLite" {
		// Nothing tells who waits. An import that has not begun to wait yet waits a moment later.
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

// What the other writer has made may contradict the file.
func TestI4_AContradictionThatAnotherWriterMakesAtTheSameMomentIsTold(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := storetest.Open(t, url)
		storetest.Load(t, s, "acme", storetest.Entry(100, 0, "us", "api"))
		db := storetest.OpenSQL(t, url)
		other, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Rollback() }()
		_, err = other.Exec("INSERT INTO environments (id, organization_id, name) SELECT '99999999-0000-4000-8000-000000000000', id, 'eu' FROM organizations WHERE key = 'acme'")
		if err != nil {
			t.Fatal(err)
		}
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

// Imports and recorders that make the same names at once, each by its own connections, all get through.
func TestImportsAndRecordersThatMakeTheSameNamesAtOnceAllGetThrough(t *testing.T) {
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
