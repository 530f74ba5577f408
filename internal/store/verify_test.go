package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// recount counts every list of an organization from its records, one by one, in the plainest way: by what a filter
// set reads like. It shares nothing with the store.
func recount(t testing.TB, db *sql.DB, organization string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for set, table := range map[string]string{"all": "deployment_records", "latest": "current_slots"} {
		rows, err := db.Query(`SELECT CAST(environment_id AS text), coalesce(CAST(logical_environment_id AS text), ''), deployment_name, status, kind
FROM ` + table + ` WHERE organization_id = (SELECT id FROM organizations WHERE key = '` + organization + `')`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var environment, logical, name string
			var status, kind int
			if err := rows.Scan(&environment, &logical, &name, &status, &kind); err != nil {
				t.Fatal(err)
			}
			counts[fmt.Sprint(set, " name=", name)]++
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

// keptTotals reads the totals that are kept, in the words of recount. Everything must have been folded.
func keptTotals(t testing.TB, db *sql.DB, organization string) map[string]int {
	t.Helper()
	rows, err := db.Query(`SELECT latest, CAST(environment_id AS text), CAST(logical_environment_id AS text), deployment_name, status, kind, n
FROM list_totals WHERE organization_id = (SELECT id FROM organizations WHERE key = '` + organization + `')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	counts := make(map[string]int)
	for rows.Next() {
		var latest bool
		var environment, logical, name string
		var status, kind, n int
		if err := rows.Scan(&latest, &environment, &logical, &name, &status, &kind, &n); err != nil {
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
		counts[key] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// checkCounts recounts everything and compares; and Verify must agree.
func checkCounts(t *rapid.T, tb testing.TB, s *store.Store, db *sql.DB, organization string) {
	verify(t, s, organization)
	if _, err := s.Fold(context.Background()); err != nil {
		t.Fatal(err)
	}
	verify(t, s, organization)
	want, got := recount(tb, db, organization), keptTotals(tb, db, organization)
	if !maps.Equal(got, want) {
		t.Fatalf("the totals are\n%v, counted\n%v", got, want)
	}
}

func verify(t *rapid.T, s *store.Store, organization string) {
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
		"a total that is off":      "UPDATE list_totals SET n = n + 1 WHERE latest AND status = 1 AND kind = 0",
		"a total that is missing":  "DELETE FROM list_totals WHERE NOT latest AND status = 3 AND kind = 0",
		"a total of nothing":       "INSERT INTO list_totals SELECT organization_id, latest, environment_id, logical_environment_id, 'none', 0, 0, 5 FROM list_totals WHERE latest AND status = 1 AND kind = 0 LIMIT 1",
		"a milestone that is off":  "UPDATE list_milestones SET n = n + 1 WHERE status = 3",
		"a milestone that is lost": "DELETE FROM list_milestones WHERE status = 3 AND created_at = (SELECT max(created_at) FROM list_milestones WHERE status = 3)",
		"a change that is lost":    "INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n) SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, 1 FROM current_slots",
		"a slot that is lost":      "DELETE FROM current_slots WHERE deployment_name = 'api'",
		"an older record as the latest": `UPDATE current_slots SET record_id = (SELECT id FROM deployment_records r WHERE r.deployment_name = 'web' ORDER BY created_at LIMIT 1)
WHERE deployment_name = 'web'`,
		"another status of the latest": "UPDATE current_slots SET status = 2 WHERE deployment_name = 'web'",
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
					Load(t, s, organization, entries...)
				}
				before, err := s.Verify(t.Context(), "acme")
				if err != nil || before.Found != 0 || before.Records != 20 || before.Slots != 2 || before.Totals == 0 || before.Milestones < 10 {
					t.Fatalf("before: %+v, %v", before, err)
				}
				db := plain(t, url)
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
				after, err := s.Verify(t.Context(), "acme")
				if err != nil || after.Found != 0 || after.Milestones != before.Milestones || after.Totals != before.Totals || after.Pending != 0 {
					t.Fatalf("after: %+v, %v; before %+v", after, err, before)
				}
				if got := Ask(t, s, acme, deployments.Query{History: deployments.All, Status: deployments.Superseded}); got.Total != 18 {
					t.Errorf("the total is %d", got.Total)
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
