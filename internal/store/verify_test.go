package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// recount counts every list of an organization from its records, one by one, in the plainest way: by what a filter
// set reads like. It shares nothing with the store.
func recount(t testing.TB, db *sql.DB, organization string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	projects := projectsByArtifact(t, db)
	for set, table := range map[string]string{"all": "deployment_records", "latest": "current_slots"} {
		rows, err := db.Query(`SELECT CAST(environment_id AS text), coalesce(CAST(logical_environment_id AS text), ''), deployment_name, status, kind, CAST(artifact_id AS text)
FROM ` + table + ` WHERE organization_id = (SELECT id FROM organizations WHERE key = '` + organization + `')`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var environment, logical, name, artifact string
			var status, kind int
			if err := rows.Scan(&environment, &logical, &name, &status, &kind, &artifact); err != nil {
				t.Fatal(err)
			}
			counts[fmt.Sprint(set, " name=", name)]++
			if of := projects[artifact]; of != "" {
				counts[fmt.Sprint(set, " projects=", of)]++
			}
			for by := range 16 {
				key := set
				if by&1 != 0 {
					key += " e=" + environment
				}
				if by&2 != 0 {
					if logical == "" {
						continue
					}
					key += " l=" + logical
				}
				if by&4 != 0 {
					key += fmt.Sprint(" s=", status)
				}
				if by&8 != 0 {
					key += fmt.Sprint(" k=", kind)
				}
				counts[key]++
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// projectsByArtifact are the names of the projects of each artifact, by its links.
func projectsByArtifact(t testing.TB, db *sql.DB) map[string]string {
	t.Helper()
	return joined(t, db, `SELECT DISTINCT CAST(l.artifact_id AS text), p.name FROM project_version_artifacts l
JOIN project_versions v ON v.id = l.project_version_id JOIN projects p ON p.id = v.project_id`)
}

// joined puts the values of each key of a query together, sorted.
func joined(t testing.TB, db *sql.DB, query string) map[string]string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	values := make(map[string][]string)
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		values[key] = append(values[key], value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	joined := make(map[string]string)
	for key, of := range values {
		slices.Sort(of)
		joined[key] = strings.Join(of, "+")
	}
	return joined
}

// keptTotals reads the totals that are kept, in the words of recount. Everything must have been folded.
func keptTotals(t testing.TB, db *sql.DB, organization string) map[string]int {
	t.Helper()
	projects := joined(t, db, "SELECT CAST(m.project_set_id AS text), p.name FROM project_set_members m JOIN projects p ON p.id = m.project_id")
	rows, err := db.Query(`SELECT latest, CAST(environment_id AS text), CAST(logical_environment_id AS text), deployment_name, status, kind, CAST(project_set_id AS text), n
FROM list_totals WHERE organization_id = (SELECT id FROM organizations WHERE key = '` + organization + `')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	counts := make(map[string]int)
	for rows.Next() {
		var latest bool
		var environment, logical, name, set string
		var status, kind, n int
		if err := rows.Scan(&latest, &environment, &logical, &name, &status, &kind, &set, &n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			continue
		}
		key := "all"
		if latest {
			key = "latest"
		}
		if environment != store.AnyID {
			key += " e=" + environment
		}
		if logical != store.AnyID {
			key += " l=" + logical
		}
		if name != "" {
			key += " name=" + name
		}
		if status != 0 {
			key += fmt.Sprint(" s=", status)
		}
		if kind != 0 {
			key += fmt.Sprint(" k=", kind)
		}
		if set != "0" {
			key += " projects=" + projects[set]
		}
		counts[key] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// failer is what tests and rounds of property tests have in common.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkCounts recounts everything and compares; and Verify must agree.
func checkCounts(t failer, tb testing.TB, s *store.Store, db *sql.DB, organization string) {
	verify(t, s, organization)
	if _, err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	verify(t, s, organization)
	want, got := recount(tb, db, organization), keptTotals(tb, db, organization)
	if !maps.Equal(got, want) {
		t.Fatalf("the totals are\n%v, counted\n%v", got, want)
	}
	if wrong := wrongMilestones(tb, db, organization); len(wrong) > 0 {
		t.Fatalf("milestones: %s", strings.Join(wrong, "\n"))
	}
}

func verify(t failer, s *store.Store, organization string) {
	found, err := s.Verify(context.Background(), organization)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil && found.Found > 0 {
		t.Fatalf("Verify: %s", strings.Join(found.Faults, "\n"))
	}
}

func TestVerifyFindsEachKindOfFaultAndRepairMendsIt(t *testing.T) {
	faults := map[string]string{
		"a total that is off":            "UPDATE list_totals SET n = n + 1 WHERE latest AND status = 1 AND kind = 0",
		"a total that is missing":        "DELETE FROM list_totals WHERE NOT latest AND status = 3 AND kind = 0",
		"a total of nothing":             "INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n) SELECT organization_id, latest, environment_id, logical_environment_id, 'none', 0, 0, 0, 5 FROM list_totals WHERE latest AND status = 1 AND kind = 0 LIMIT 1",
		"a milestone that is off":        "UPDATE long_list_milestones SET n = n + 1 WHERE status = 3",
		"a first milestone that is lost": "DELETE FROM long_list_milestones WHERE status = 3 AND created_at = (SELECT min(created_at) FROM long_list_milestones)",
		"a milestone that is lost":       "DELETE FROM long_list_milestones WHERE status = 3 AND created_at = (SELECT max(created_at) FROM long_list_milestones WHERE status = 3)",
		"a change that is lost":          "INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n) SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM current_slots",
		"a slot that is lost":            "DELETE FROM current_slots WHERE deployment_name = 'api'",
		"an older record as the latest": `UPDATE current_slots SET record_id = (SELECT id FROM deployment_records r WHERE r.deployment_name = 'web' ORDER BY created_at LIMIT 1)
WHERE deployment_name = 'web'`,
		"another status of the latest": "UPDATE current_slots SET status = 2 WHERE deployment_name = 'web'",

		"a project's total that is off":           "UPDATE list_totals SET n = n + 1 WHERE NOT latest AND project_set_id > 0",
		"a project's milestone that is off":       "UPDATE long_list_milestones SET n = n + 1 WHERE project_id > 0",
		"a record without its project":            "UPDATE deployment_records SET project_set_id = 0 WHERE deployment_name = 'web'",
		"a record in a set that is not there":     "UPDATE deployment_records SET project_set_id = 999 WHERE deployment_name = 'web'",
		"a slot without its project":              "UPDATE current_slots SET project_set_id = 0 WHERE deployment_name = 'web'",
		"an artifact without its project":         "UPDATE artifacts SET project_set_id = 0 WHERE name = 'registry.test/web'",
		"an artifact in a project of others":      "UPDATE artifacts SET project_set_id = (SELECT max(project_set_id) FROM artifacts) WHERE name = 'registry.test/api'",
		"a link that was added by hand":           "INSERT INTO project_version_artifacts SELECT v.id, a.id FROM artifacts a JOIN projects p ON p.organization_id = a.organization_id JOIN project_versions v ON v.project_id = p.id WHERE a.name = 'registry.test/api'",
		"a project that is missing from a set":    "DELETE FROM project_set_members",
		"a project that is too many in a set":     "INSERT INTO project_set_members (project_id, project_set_id) SELECT p.id, s.id FROM projects p, project_sets s WHERE p.name = 'unused'",
		"a project set that says something wrong": "UPDATE project_sets SET members = members || ',' || (SELECT max(id) FROM projects)",
	}
	for _, engine := range Engines {
		for _, name := range slices.Sorted(maps.Keys(faults)) {
			t.Run(engine.Name+"/"+name, func(t *testing.T) {
				url := engine.URL(t)
				s := Open(t, url)
				s.SetSpacing(2)
				for _, organization := range []string{"acme", "other"} {
					var entries []deployments.ImportEntry
					for i := range 20 {
						n := i
						if organization == "other" {
							n += 100
						}
						entries = append(entries, Entry(n, i, "eu", []string{"api", "web"}[i%2], WithStatus(deployments.Superseded)))
					}
					entries[18].Record.Status, entries[19].Record.Status = deployments.Deployed, deployments.Deployed
					for i := range entries {
						if i%2 == 1 {
							WithProject("shop", "v1")(&entries[i])
						}
					}
					Load(t, s, organization, entries...)
				}
				before, err := s.Verify(t.Context(), "acme")
				if err != nil || before.Found != 0 || before.Records != 20 || before.Slots != 2 || before.Totals == 0 || before.Milestones < 10 {
					t.Fatalf("before: %+v, %v", before, err)
				}
				db := plain(t, url)
				if _, err := db.Exec("INSERT INTO projects (organization_id, name) SELECT id, 'unused' FROM organizations"); err != nil {
					t.Fatal(err)
				}
				if result, err := db.Exec(faults[name]); err != nil {
					t.Fatal(err)
				} else if n, _ := result.RowsAffected(); n == 0 {
					t.Fatal("nothing was broken")
				}
				found, err := s.Verify(t.Context(), "acme")
				if err != nil || found.Found == 0 || len(found.Faults) == 0 {
					t.Fatalf("found nothing: %+v, %v", found, err)
				}
				t.Log(found.Faults[0])
				if err := s.Repair(t.Context(), "acme"); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				after, err := s.Verify(t.Context(), "acme")
				milestones := before.Milestones
				switch name { // where there are other links now, or other sets, projects may have more of them
				case "a link that was added by hand", "a project set that says something wrong":
					milestones = max(milestones, after.Milestones)
				}
				if err != nil || after.Found != 0 || after.Milestones != milestones || after.Totals != before.Totals || after.Pending != 0 {
					t.Fatalf("after: %+v, %v; before %+v", after, err, before)
				}
				if got := Ask(t, s, acme, deployments.Query{History: deployments.All, Status: deployments.Superseded}); got.Total != 18 {
					t.Errorf("the total is %d", got.Total)
				}
				records, latest := 10, 1
				if name == "a link that was added by hand" { // it counts: all artifacts are in the project now
					records, latest = 20, 2
				}
				for history, want := range map[deployments.History]int{deployments.All: records, deployments.Latest: latest} {
					if got := Ask(t, s, acme, deployments.Query{History: history, ProjectName: "shop"}); got.Total != int64(want) || len(got.Records) != want {
						t.Errorf("of the project, %d of %d", len(got.Records), got.Total)
					}
				}
			})
		}
	}
}

func TestVerifyOfNobody(t *testing.T) {
	OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		if found, err := s.(*store.Store).Verify(t.Context(), "nobody"); found != nil || err != nil {
			t.Errorf("got %+v, %v", found, err)
		}
	})
}

// A long verification keeps no writer waiting, and sees none of what is written meanwhile.
func TestVerifyReadsOneSnapshotBesideWriters(t *testing.T) {
	for _, engine := range Engines { // a store in memory has one connection, and nobody beside it
		t.Run(engine.Name, func(t *testing.T) {
			s := Open(t, engine.URL(t))
			Load(t, s, "acme", Entry(1, 1, "eu", "api"))
			err := s.Snapshot(t.Context(), func(count func() int) {
				before := count()
				Load(t, s, "acme", Entry(2, 2, "eu", "api"))
				if after := count(); before != 1 || after != 1 {
					t.Errorf("%d records, then %d", before, after)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			WantIDs(t, s, acme, deployments.Query{}, 2)
		})
	}
}
