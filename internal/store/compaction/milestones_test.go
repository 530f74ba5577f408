package compaction_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A compaction reads the ranges that end after its first delta, and the lengths of whole lists.
func TestMilestonesAreReadFromAPosition(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{MilestoneInterval: 2})
		load(t, s, 0, 30)
		const id = 1 // the only organization
		for _, c := range []struct{ minute, want int }{{-1, 15}, {0, 15}, {1, 15}, {2, 15}, {3, 14}, {27, 2}, {29, 1}, {40, 1}} {
			from := counts.Position{CreatedAt: database.Timestamp{Time: storetest.At(c.minute)}, RecordID: counts.End.RecordID}
			milestones, err := counts.ReadMilestones(db.WithContext(t.Context()), id, from)
			if err != nil || len(milestones) < 4 {
				t.Fatalf("got %v, %v", milestones, err)
			}
			for sequence, of := range milestones {
				want := c.want
				if sequence.Coarse {
					want = 1
				}
				if len(of) != want {
					t.Errorf("from minute %d: got %d in %+v, want %d", c.minute, len(of), sequence, want)
				}
			}
		}
	})
}

// A delta is committed after the compaction has read its batch, before the ranges that it reads. The next compaction takes it. The batch
// is large for its limit, so the compaction reads the milestones before it deletes the deltas.
func TestDeltasBeforeTheBatchThatAreCommittedLateAreLeft(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
	s.SetBatchSize(8)
	load(t, s, 0, 30)
	db := storetest.OpenSQL(t, url)
	late := storetest.Begin(t, db, "UPDATE deployment_records SET status = 2 WHERE created_at = (SELECT min(created_at) FROM deployment_records)")
	if err := storetest.RecordImage(s, 99, "eu", "api"); err != nil {
		t.Fatal(err)
	}
	holder := storetest.Begin(t, db, "LOCK TABLE list_positions IN ACCESS EXCLUSIVE MODE")
	compacted := make(chan error, 1)
	go func() {
		_, err := s.Compact(t.Context())
		compacted <- err
	}()
	storetest.WaitForLocks(t, db, 1)
	for _, tx := range []interface{ Commit() error }{late, holder} {
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-compacted; err != nil {
		t.Fatal(err)
	}
	for _, pending := range []int64{2, 0} { // the record leaves a list and enters another
		found, err := s.Verify(t.Context(), "acme")
		if err != nil || found.Found != 0 || found.Pending != pending {
			t.Errorf("got %+v, %v, want %d pending", found, err, pending)
		}
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// An import compacts in several batches, of which each begins before those that came first.
func TestBatchesOfAnImportMayGoBackInTime(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2, ImportLimits: importing.Limits{Batch: 4, Cache: 4, Reorder: 4, Slots: 4}})
		s.SetBatchSize(2)
		var first, second []deployments.ImportEntry
		for n := range 50 {
			first, second = append(first, entry(2*n)), append(second, entry(99-2*n))
		}
		storetest.Load(t, s, "acme", first...)
		storetest.Load(t, s, "acme", second...)
		found, err := s.Verify(t.Context(), "acme")
		if err != nil || found.Found != 0 || found.Pending != 0 {
			t.Errorf("got %+v, %v", found, err)
		}
	})
}

// A list has a fine milestone for each interval and a coarse one for 64 of them, whether it is built or has grown.
func TestMilestonesHaveTwoLevels(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
		const lists = 11 // as in TestMigrationShortensIntervals
		for _, c := range []struct{ from, to, milestones int }{
			{0, 320, 160 + 3},
			{320, 2000, 1000 + 16},
		} {
			load(t, s, c.from, c.to)
			found, err := s.Verify(t.Context(), "acme")
			if err != nil || found.Found != 0 || found.Milestones != int64(lists*c.milestones) {
				t.Errorf("after %d records: got %+v, %v, want %d milestones in each list", c.to, found, err, c.milestones)
			}
		}
	})
}

// Records leave the list of those that are DEPLOYED. It has milestones for those that it has, and not for those that it had.
func TestRangesThatRecordsHaveLeftAreJoined(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
		const slots, rounds = 10, 40
		for round := range rounds {
			for slot := range slots {
				if err := storetest.RecordImage(s, round, "eu", fmt.Sprint("app", slot)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		db := storetest.OpenSQL(t, url)
		for _, c := range []struct {
			status   deployments.Status
			min, max int
		}{
			{deployments.Deployed, 2, 8}, // two neighbours have 3 of 10 records or more
			{deployments.Superseded, slots * (rounds - 1) / 8, slots * (rounds - 1) / 2},
		} {
			var n int
			err := db.QueryRow(`SELECT count(*) FROM list_positions WHERE environment_id = '`+counts.AnyID+`' AND logical_environment_id = '`+counts.AnyID+`'
  AND deployment_name = '' AND status = $1 AND kind = 0 AND project_id = 0 AND NOT coarse`, c.status).Scan(&n)
			if err != nil || n < c.min || n > c.max {
				t.Errorf("%s: got %d milestones, %v, want %d to %d", c.status, n, err, c.min, c.max)
			}
		}
		storetest.RequireExactCounts(t, s, db, "acme")
	})
}

// A batch that is small for its limit is compacted by the milestones of its lists, another by those of all lists.
func TestBatchesAreCountedExactlyAtEveryLimit(t *testing.T) {
	for _, limit := range []int{1, 8, 20_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
				s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
				s.SetBatchSize(limit)
				load(t, s, 0, 30)
				for n := range 24 {
					if err := storetest.RecordImage(s, n, fmt.Sprint("eu", n%2), fmt.Sprint("app", n%3), fmt.Sprint("shop", n%4)); err != nil {
						t.Fatal(err)
					}
					if n%5 > 0 {
						continue
					}
					if _, err := s.Compact(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				storetest.RequireExactCounts(t, s, storetest.OpenSQL(t, url), "acme")
			})
		})
	}
}

// entry is the superseded record n of one slot, n minutes after the first.
func entry(n int) deployments.ImportEntry {
	return storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded))
}

// load imports a range of records.
func load(t *testing.T, s *store.Store, from, to int) {
	t.Helper()
	var entries []deployments.ImportEntry
	for n := from; n < to; n++ {
		entries = append(entries, entry(n))
	}
	storetest.Load(t, s, "acme", entries...)
}

// Pages between two coarse milestones are the model's: with pending deltas, after compactions, and after records were added in the past.
func TestPagesBetweenCoarseMilestonesAreExact(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 1}) // a coarse milestone for 64 records
		model, db := storetest.NewModel(), storetest.OpenSQL(t, url)
		compare := func() {
			t.Helper()
			for _, q := range []deployments.Query{
				{},
				{Status: deployments.Superseded},
				{ProjectName: "shop"},
				{ArtifactDigest: storetest.Digest(1)},
				{DeploymentName: "api", Status: deployments.Superseded},
			} {
				q.History, q.Page.Size = deployments.All, 7
				for q.Page.Number = 0; ; q.Page.Number += 4 {
					got, want := storetest.Ask(t, s, storetest.Acme, q), storetest.Ask(t, model, storetest.Acme, q)
					if got.Total != want.Total || !slices.Equal(storetest.IDs(got.Records), storetest.IDs(want.Records)) {
						t.Fatalf("%+v: got %d records %v, want %d %v", q, got.Total, storetest.IDs(got.Records), want.Total, storetest.IDs(want.Records))
					}
					if len(got.Records) == 0 {
						break
					}
				}
			}
		}
		for round, c := range []struct{ from, to, step int }{{0, 400, 2}, {1, 200, 2}, {500, 530, 1}} {
			var imported, changed []deployments.ImportEntry
			for n := c.from; n < c.to; n += c.step {
				state := func(status deployments.Status, update int) deployments.ImportEntry {
					return storetest.Entry(n, n, "eu", "api", storetest.WithStage("production"), storetest.WithProject("shop", "v1"),
						storetest.WithStatus(status), storetest.WithUpdate(1000*(round+1)+update))
				}
				imported = append(imported, state(deployments.Superseded, 0))
				if n%5 == round && n < c.to-10 { // not the slot's latest record
					changed = append(changed, state(deployments.Decommissioned, 500))
				}
			}
			storetest.Load(t, model, "acme", imported...)
			storetest.Load(t, s, "acme", imported...)
			compare()
			if err := s.CountDemanded(t.Context()); err != nil {
				t.Fatal(err)
			}
			storetest.Load(t, model, "acme", changed...)
			for _, e := range changed {
				if _, err := db.Exec("UPDATE deployment_records SET status = $1 WHERE id = $2", deployments.Decommissioned, e.Record.ID); err != nil {
					t.Fatal(err)
				}
			}
			compare() // while deltas are pending
			if n, err := s.Compact(t.Context()); err != nil || n != 2*len(changed) {
				t.Fatalf("compacted %d deltas, %v, want %d", n, err, 2*len(changed))
			}
			compare()
		}
		storetest.RequireExactCounts(t, s, db, "acme")
	})
}
