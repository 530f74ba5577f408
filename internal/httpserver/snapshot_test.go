package httpserver_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func snapshotOf(environment string, at time.Time, more ...string) string {
	return fmt.Sprintf(`,"complete":true,"environment_name":%q,"observed_at":%q%s`, environment, at.UTC().Format(time.RFC3339Nano), strings.Join(more, ""))
}

func TestALateSnapshotLeavesNewerRecordsUnchanged(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		server.post(recordPath, named("api", 1)).record(t)
		late := snapshotOf("eu", time.Now().Add(-48*time.Hour))
		server.post(batchPath, batchBody(late, named("api", 1, `"status":"DECOMMISSIONED"`))).batch(t)
		if got := server.statuses("deployment_name=api"); got != "1:DEPLOYED" {
			t.Errorf("decommissioned by a snapshot of two days ago: %s", got)
		}
		// An import left two records deployed. The older one was seen since.
		older, newer := storetest.Entry(1, 1, "eu", "two", storetest.WithDigest(2)), storetest.Entry(2, 2, "eu", "two", storetest.WithDigest(3))
		older.Record.LastSeenAt = time.Now().UTC().Truncate(time.Microsecond)
		storetest.Load(t, store, "acme", older, newer)
		server.post(batchPath, batchBody(late, named("api", 1), named("two", 4))).batch(t)
		if got := server.statuses("deployment_name=two"); got != "3:DEPLOYED 2:DEPLOYED" {
			t.Errorf("superseded by a snapshot of two days ago: %s", got)
		}
	})
}

func TestARejectedItemOfASnapshotListsItsIdentity(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		server.post(recordPath, named("web", 1)).record(t)
		server.post(recordPath, named("api", 2, `"logical_environment_name":"production"`)).record(t)
		server.post(recordPath, named("gone", 3)).record(t)
		items := []string{
			strings.Replace(named("web", 1), "CONTAINER_IMAGE", "IMAGE", 1),
			named("api", 2, `"logical_environment_name":"production "`),
		}
		result := server.post(batchPath, batchBody(snapshotOf("eu", time.Now(), `,"partial":true`), append(items, "5")...)).batch(t)
		if result.Decommissioned != 0 {
			t.Errorf("an item of which nothing is known may be about anything: %+v", result)
		}
		result = server.post(batchPath, batchBody(snapshotOf("eu", time.Now(), `,"partial":true`), items...)).batch(t)
		if got := server.statuses(""); result.Decommissioned != 1 || got != "3:DECOMMISSIONED 2:DEPLOYED 1:DEPLOYED" {
			t.Errorf("%+v: %s", result, got)
		}
	})
}

func TestW4_ProjectVersionsAreAddedToTheNamedArtifact(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		server.post(recordPath, deployment(1)).record(t)
		secret := `"project_versions":[{"project_name":"secret","project_version_name":"v1"}]`
		server.post(recordPath, deployment(2, `"status":"DECOMMISSIONED"`, secret)).record(t)
		server.post(recordPath, `{"environment_name":"eu","deployment_name":"api","kind":"CONTAINER_IMAGE","status":"DECOMMISSIONED",`+secret+`}`).record(t)
		if got := server.statuses("project_name=secret"); got != "" {
			t.Errorf("the artifact that was not named is of the project: %s", got)
		}
		server.post(recordPath, deployment(1, secret)).record(t)
		if got := server.statuses("project_name=secret"); got != "1:DEPLOYED 1:DECOMMISSIONED" {
			t.Errorf("got %s", got)
		}
	})
}

// These bodies are small, but validating them by the schema would take hours.
func TestBodiesThatAreExpensiveToValidate(t *testing.T) {
	server, _ := onSQLite(t)
	var members []string
	for i := range 60_000 {
		members = append(members, fmt.Sprintf(`"a%d":0`, i))
	}
	many := "{" + strings.Join(members, ",") + "}"
	zeros := strings.Repeat("0,", 500_000) + "0"
	for name, c := range map[string]struct{ path, body, want string }{
		"unknown members":            {"", many, "body: has more than 42 members, and the contract knows 10"},
		"unknown members of an item": {"/batch", batchBody(`,"partial":true`, many), "deployments[0]: has more than 41 members, and the contract knows 9"},
		"items that are none":        {"/batch", `{"deployments":[` + zeros + `]}`, "deployments: has more than 5000 items"},
		"project versions":           {"", deployment(1, `"project_versions":[`+zeros+`]`), "project_versions: has more than 100 items"},
	} {
		answer := server.post(recordPath+c.path, c.body)
		if got := answer.details(t); answer.status != 400 || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %d %.200s", name, answer.status, answer.body)
		}
	}
}

func TestUnusualSpellingsOfBodies(t *testing.T) {
	server, _ := onSQLite(t)
	server.post(recordPath, deployment(1), "Content-Type: Application/JSON").record(t)
	for body, want := range map[string]string{
		batchBody(snapshotOf("nbsp\u00a0", time.Now(), `,"allow_empty":true`)):                                    "environment_name: has white space at an end",
		batchBody(`,"complete":true,"environment_name":"eu","observed_at":"2026-02-30T00:00:00Z"`, named("a", 1)): `observed_at: "2026-02-30T00:00:00Z" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`,
		`{"` + strings.Repeat("A", 2000) + `":1,"` + strings.Repeat("A", 2000) + `":1}`:                           `"` + strings.Repeat("A", 64) + `"…: is given twice`,
		"null": "body: is null",
	} {
		answer := server.post(batchPath, body)
		if got := answer.details(t); answer.status != 400 || got[0] != want {
			t.Errorf("%.100s: got %d %q, want %q", body, answer.status, got, want)
		}
	}
	// Member names are case-sensitive, in a partial batch too.
	result := server.post(batchPath, batchBody(`,"partial":true`, named("a", 1), named("b", 2, `"\u212aind":5`))).batch(t)
	if result.Results[0].Record == nil || len(result.Results[1].Faults) != 1 {
		t.Errorf("got %+v", result)
	}
}

func TestConcurrentImportsAndRecordingsKeepSlotsCorrect(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		const slots = 60
		for round := range 8 {
			var deployed, ended []string
			for i := range slots {
				deployed = append(deployed, named(fmt.Sprint("s", i), 1+round*slots+i))
				ended = append(ended, named(fmt.Sprint("s", i), 1+round*slots+i, `"status":"DECOMMISSIONED"`))
			}
			server.post(batchPath, batchBody("", deployed...)).batch(t)
			var file []deployments.ImportEntry
			for i, r := range storetest.Ask(t, store, deployments.Scope{Organization: "acme"}, deployments.Query{}).Records {
				r.UpdatedAt = r.UpdatedAt.Add(time.Millisecond)
				file = append(file, deployments.ImportEntry{Line: i + 1, Record: r})
			}
			var group sync.WaitGroup
			group.Go(func() { server.post(batchPath, batchBody("", ended...)).batch(t) })
			group.Go(func() {
				if _, err := store.Import(context.Background(), "acme", storetest.Entries(file...)); err != nil {
					t.Error(err)
				}
			})
			group.Wait()
			for _, status := range []deployments.Status{deployments.Deployed, deployments.Decommissioned, deployments.Superseded} {
				q := deployments.Query{Status: status}
				for _, r := range storetest.Ask(t, store, deployments.Scope{Organization: "acme"}, q).Records {
					if r.Status != status {
						t.Fatalf("round %d: the slots' status %v shows a record that is %v", round, status, r.Status)
					}
				}
			}
		}
	})
}
