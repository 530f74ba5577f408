package audit_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

const (
	insertTotalOfNothing = `INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, latest, environment_id, logical_environment_id, 'none', 0, 0, 0, 5 FROM list_totals WHERE latest AND status = 1 AND kind = 0 LIMIT 1`

	insertDeltas = `INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM current_slots`
)

func TestVerifyFindsEachFaultAndRepairFixesIt(t *testing.T) {
	t.Parallel()
	faults := map[string]string{
		"a wrong total":             "UPDATE list_totals SET n = n + 1 WHERE latest AND status = 1 AND kind = 0",
		"a missing total":           "DELETE FROM list_totals WHERE NOT latest AND status = 3 AND kind = 0",
		"a total of nothing":        insertTotalOfNothing,
		"a wrong milestone":         "UPDATE list_positions SET n = n + 1 WHERE status = 3",
		"a missing first milestone": "DELETE FROM list_positions WHERE status = 3 AND created_at = (SELECT min(created_at) FROM list_positions)",
		"a missing milestone":       "DELETE FROM list_positions WHERE status = 3 AND created_at = (SELECT max(created_at) FROM list_positions WHERE status = 3)",
		"a wrong coarse milestone":  "UPDATE list_positions SET n = n + 1 WHERE coarse AND status = 3",
		"no coarse milestone":       "DELETE FROM list_positions WHERE coarse AND status = 3",
		"a coarse milestone alone":  "DELETE FROM list_positions WHERE NOT coarse AND status = 0 AND kind = 0",
		"a missing delta":           insertDeltas,
		"a missing slot":            "DELETE FROM current_slots WHERE deployment_name = 'api'",
		"an older record as the latest": `UPDATE current_slots SET record_id = (SELECT id FROM deployment_records r WHERE r.deployment_name = 'web' ORDER BY created_at LIMIT 1)
WHERE deployment_name = 'web'`,
		"another status of the latest": "UPDATE current_slots SET status = 2 WHERE deployment_name = 'web'",
		"another update of the latest": "UPDATE current_slots SET updated_at = (SELECT min(created_at) FROM deployment_records) WHERE deployment_name = 'web'",
		"an older sight of the latest": "UPDATE current_slots SET last_seen_at = (SELECT min(created_at) FROM deployment_records) WHERE deployment_name = 'web'",

		"a wrong total of a project":      "UPDATE list_totals SET n = n + 1 WHERE NOT latest AND project_set_id > 0",
		"a wrong milestone of a project":  "UPDATE list_positions SET n = n + 1 WHERE project_id > 0",
		"a record without its project":    "UPDATE deployment_records SET project_set_id = 0 WHERE deployment_name = 'web'",
		"a record in an unknown set":      "UPDATE deployment_records SET project_set_id = 999 WHERE deployment_name = 'web'",
		"a slot without its project":      "UPDATE current_slots SET project_set_id = 0 WHERE deployment_name = 'web'",
		"an artifact without its project": "UPDATE artifacts SET project_set_id = 0 WHERE name = 'registry.test/web'",
		"an artifact in another project":  "UPDATE artifacts SET project_set_id = (SELECT max(project_set_id) FROM artifacts) WHERE name = 'registry.test/api'",
		"a link added by hand":            "INSERT INTO project_version_artifacts SELECT v.id, a.id FROM artifacts a JOIN projects p ON p.organization_id = a.organization_id JOIN project_versions v ON v.project_id = p.id WHERE a.name = 'registry.test/api'",
		"a missing member of a set":       "DELETE FROM project_set_members",
		"an extra member of a set":        "INSERT INTO project_set_members (project_id, project_set_id) SELECT p.id, s.id FROM projects p, project_sets s WHERE p.name = 'unused'",
		"wrong members of a set":          "UPDATE project_sets SET members = members || ',' || (SELECT max(id) FROM projects)",
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		t.Run(name, func(t *testing.T) {
			storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
				s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
				for _, organization := range []string{"acme", "other"} {
					var entries []deployments.ImportEntry
					for i := range 20 {
						n := i
						if organization == "other" {
							n += 100
						}
						entries = append(entries, storetest.Entry(n, i, "eu", []string{"api", "web"}[i%2], storetest.WithStatus(deployments.Superseded)))
					}
					entries[18].Record.Status, entries[19].Record.Status = deployments.Deployed, deployments.Deployed
					for i := range entries {
						if i%2 == 1 {
							storetest.WithProject("shop", "v1")(&entries[i])
						}
					}
					storetest.Load(t, s, organization, entries...)
				}
				before, err := s.Verify(t.Context(), "acme")
				if err != nil || before.Found != 0 || before.Records != 20 || before.Slots != 2 || before.Totals == 0 || before.Milestones < 10 {
					t.Fatalf("before: %+v, %v", before, err)
				}
				db := storetest.OpenSQL(t, url)
				if _, err := db.Exec("INSERT INTO projects (organization_id, name) SELECT id, 'unused' FROM organizations"); err != nil {
					t.Fatal(err)
				}
				if result, err := db.Exec(faults[name]); err != nil {
					t.Fatal(err)
				} else if n, _ := result.RowsAffected(); n == 0 {
					t.Fatal("the statement changed nothing")
				}
				found, err := s.Verify(t.Context(), "acme")
				if err != nil || found.Found == 0 || len(found.Faults) == 0 {
					t.Fatalf("Verify found nothing: %+v, %v", found, err)
				}
				t.Log(found.Faults[0])
				if err := s.Repair(t.Context(), "acme"); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				after, err := s.Verify(t.Context(), "acme")
				milestones, totals := before.Milestones, before.Totals
				switch name {
				case "a missing delta": // a repair on PostgreSQL leaves the deltas pending, and joins ranges that lack their records
					milestones = min(milestones, after.Milestones)
				case "a link added by hand", "wrong members of a set": // projects may have more lists
					milestones, totals = max(milestones, after.Milestones), max(totals, after.Totals)
				}
				if err != nil || after.Found != 0 || after.Milestones != milestones || after.Totals != totals || after.Pending != 0 {
					t.Fatalf("after: %+v, %v; before %+v", after, err, before)
				}
				if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, Status: deployments.Superseded}); got.Total != 18 {
					t.Errorf("the total is %d", got.Total)
				}
				records, latest := 10, 1
				if name == "a link added by hand" { // all artifacts are in the project now
					records, latest = 20, 2
				}
				for history, want := range map[deployments.History]int{deployments.All: records, deployments.Latest: latest} {
					if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: history, ProjectName: "shop"}); got.Total != int64(want) || len(got.Records) != want {
						t.Errorf("project: %d records of %d", len(got.Records), got.Total)
					}
				}
			})
		})
	}
}

func TestVerifyOfAnUnknownOrganizationIsNil(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		if found, err := s.(*store.Store).Verify(t.Context(), "nobody"); found != nil || err != nil {
			t.Errorf("got %+v, %v", found, err)
		}
	})
}

// A long verification blocks no writer, and does not see later writes.
func TestVerifyReadsOneSnapshotBesideWriters(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{})
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
		err := db.Snapshot(t.Context(), func(tx *gorm.DB) error {
			var before, after int64
			if err := tx.Model(&schema.Record{}).Count(&before).Error; err != nil {
				return err
			}
			storetest.Load(t, s, "acme", storetest.Entry(2, 2, "eu", "api"))
			if err := tx.Model(&schema.Record{}).Count(&after).Error; err != nil {
				return err
			}
			if before != 1 || after != 1 {
				t.Errorf("%d records, then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 2)
	})
}

func TestVerifyFindsWrongArtifactsAndRepairFixesThem(t *testing.T) {
	t.Parallel()
	faults := map[string]string{
		"a wrong total":     "UPDATE counted_artifacts SET n = n + 1",
		"a wrong milestone": "UPDATE list_positions SET n = n + 1 WHERE artifact_id <> '" + counts.AnyID + "'",
		"no total":          "DELETE FROM counted_artifacts", // the milestones stay
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		t.Run(name, func(t *testing.T) {
			storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
				if engine.Name == "SQLite" && name != "a wrong total" {
					return // artifacts have no milestones there
				}
				s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
				var entries []deployments.ImportEntry
				for n := range 20 {
					entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
				}
				storetest.Load(t, s, "acme", entries...)
				byDigest := deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1)}
				storetest.Ask(t, s, storetest.Acme, byDigest)
				if err := s.CountDemanded(t.Context()); err != nil {
					t.Fatal(err)
				}
				storetest.RequireVerified(t, s, "acme")
				if result, err := storetest.OpenSQL(t, url).Exec(faults[name]); err != nil {
					t.Fatal(err)
				} else if n, _ := result.RowsAffected(); n == 0 {
					t.Fatal("the statement changed nothing")
				}
				found, err := s.Verify(t.Context(), "acme")
				if err != nil || found.Found == 0 || !strings.Contains(found.Faults[0], "artifact") {
					t.Fatalf("Verify found no fault of an artifact: %+v, %v", found, err)
				}
				t.Log(found.Faults[0])
				if err := s.Repair(t.Context(), "acme"); err != nil {
					t.Fatal(err)
				}
				storetest.RequireVerified(t, s, "acme")
				if got := storetest.Ask(t, s, storetest.Acme, byDigest); got.Total != 20 {
					t.Errorf("the total is %d", got.Total)
				}
			})
		})
	}
}
