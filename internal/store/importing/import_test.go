package importing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestI1_MissingIDsAreFoundByNameOrMade(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		known := storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), storetest.WithIDs("acme"))
		storetest.Load(t, s, "acme", known)
		storetest.Load(t, s, "acme",
			storetest.Entry(2, 2, "eu", "api", storetest.WithStage("production")),
			storetest.Entry(3, 3, "new", "api", storetest.WithStage("staging"), storetest.WithDigest(2)),
			storetest.Entry(4, 4, "new", "api", storetest.WithStage("staging"), storetest.WithDigest(2)),
		)
		got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Records
		found, made, again := got[2], got[1], got[0]
		if found.EnvironmentID != known.Record.EnvironmentID || found.LogicalEnvironmentID != known.Record.LogicalEnvironmentID || found.ArtifactID != known.Record.ArtifactID {
			t.Errorf("ids of known names: got %+v", found)
		}
		for _, id := range []string{made.EnvironmentID, made.LogicalEnvironmentID, made.ArtifactID} {
			if canonical, ok := deployments.ParseUUID(id); !ok || canonical != id {
				t.Errorf("made the id %q", id)
			}
		}
		if made.EnvironmentID != again.EnvironmentID || made.LogicalEnvironmentID != again.LogicalEnvironmentID || made.ArtifactID != again.ArtifactID {
			t.Errorf("made ids twice: %+v and %+v", made, again)
		}
	})
}

func TestI1_TheFourPartsTellArtifactsApart(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		variant := func(id int, change func(*deployments.Artifact)) deployments.ImportEntry {
			e := storetest.Entry(id, id, "eu", fmt.Sprint("slot", id))
			e.Record.Artifact = deployments.Artifact{Kind: deployments.ContainerImage, Name: "n", Version: "v", Digest: storetest.Digest(1)}
			change(&e.Record.Artifact)
			return e
		}
		storetest.Load(t, s, "acme",
			variant(1, func(*deployments.Artifact) {}),
			variant(2, func(a *deployments.Artifact) { a.Kind = deployments.HelmChart }),
			variant(3, func(a *deployments.Artifact) { a.Name = "m" }),
			variant(4, func(a *deployments.Artifact) { a.Version = "" }),
			variant(5, func(a *deployments.Artifact) { a.Digest = storetest.Digest(2) }),
			variant(6, func(*deployments.Artifact) {}),
		)
		ids := map[string][]int{}
		for i, r := range storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Records {
			ids[r.ArtifactID] = append(ids[r.ArtifactID], 6-i)
		}
		if len(ids) != 5 {
			t.Errorf("artifacts: %v", ids)
		}

		// An import may give the same parts under another id; that is another artifact.
		twin := variant(7, func(*deployments.Artifact) {})
		twin.Record.ArtifactID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
		storetest.Load(t, s, "acme", twin)
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{DeploymentName: "slot7"}).Records[0].ArtifactID; got != twin.Record.ArtifactID {
			t.Errorf("artifact_id: got %s", got)
		}
	})
}

func TestI2_HistoryIsLoadedAsItStands(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"), storetest.Entry(2, 2, "eu", "api", storetest.WithDigest(2)))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All, Status: deployments.Deployed}, 2, 1)
	})
}

func TestI3_LoadingTheSameFileAgainChangesNothing(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		file := []deployments.ImportEntry{
			storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), storetest.WithProject("web", "v1")),
			storetest.Entry(2, 2, "eu", "api", storetest.WithDigest(2)),
			storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), storetest.WithStatus(deployments.Superseded), storetest.WithUpdate(2)),
		}
		if got, want := storetest.Load(t, s, "acme", file...), (deployments.ImportSummary{Added: 2, Changed: 1}); got != want {
			t.Errorf("first time: got %+v, want %+v", got, want)
		}
		before := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All})
		if got, want := storetest.Load(t, s, "acme", file...), (deployments.ImportSummary{Unchanged: 3}); got != want {
			t.Errorf("second time: got %+v, want %+v", got, want)
		}
		after := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All})
		if !slices.Equal(before.Records, after.Records) {
			t.Errorf("before %+v\nafter  %+v", before, after)
		}
	})
}

func TestI3_AFileLoadedAgainMeansTheSameArtifacts(t *testing.T) {
	// The first line's artifact is found by its parts, and a later line gives an id, a lesser one, to the same parts.
	given := func(id, artifact string) deployments.ImportEntry {
		e := storetest.Entry(2, 2, "eu", "b"+id)
		e.Record.ID, e.Record.ArtifactID = storetest.NameID("acme", "record", id), artifact
		e.Record.Artifact.Name = "n"
		return e
	}
	first := storetest.Entry(1, 1, "eu", "a", storetest.WithProject("web", "v1"))
	first.Record.Artifact.Name = "n"
	for name, file := range map[string][]deployments.ImportEntry{
		"made, then given":  {first, given("x", "00000000-0000-4000-8000-000000000001")},
		"given, then lower": {given("x", "ffffffff-0000-4000-8000-000000000001"), first, given("y", "00000000-0000-4000-8000-000000000001")},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
				storetest.Load(t, s, "acme", file...)
				web := deployments.Query{ProjectName: "web", History: deployments.All}
				before := storetest.Ask(t, s, storetest.Acme, web)
				storetest.Load(t, s, "acme", file...)
				if after := storetest.Ask(t, s, storetest.Acme, web); !slices.Equal(before.Records, after.Records) {
					t.Errorf("before %+v\nafter  %+v", before, after)
				}
			})
		})
	}
}

func TestI3_OnlyALaterUpdateChangesAStoredRecord(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithUpdate(5)))
		for _, stale := range []int{4, 5} {
			storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithUpdate(stale), storetest.WithStatus(deployments.Superseded)))
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{Status: deployments.Superseded})
		}
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithUpdate(6), storetest.WithStatus(deployments.Superseded), storetest.WithStage("production"), storetest.WithDigest(9)))
		for _, history := range []deployments.History{deployments.Latest, deployments.All} {
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: history, Status: deployments.Superseded, LogicalEnvironmentName: "production", ArtifactDigest: storetest.Digest(9)}, 1)
		}
	})
}

func TestI3_ProjectVersionsAddUp(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithProject("web", "v1")))
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithProject("web", "v2"), storetest.WithProject("shop", "v1"), storetest.WithProject("shop", "v1")))
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
		for _, q := range []deployments.Query{
			{ProjectName: "web", ProjectVersionName: "v1"},
			{ProjectName: "web", ProjectVersionName: "v2"},
			{ProjectName: "shop", ProjectVersionName: "v1"},
		} {
			storetest.WantIDs(t, s, storetest.Acme, q, 1)
		}
	})
}

func TestTheLatestOfASlotIsRightWhateverTheOrderOfTheFile(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", storetest.Entry(5, 5, "eu", "api"), storetest.Entry(2, 2, "eu", "api"), storetest.Entry(8, 8, "eu", "api"), storetest.Entry(1, 1, "eu", "api"))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 8)
		storetest.Load(t, s, "acme", storetest.Entry(3, 3, "eu", "api"))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 8)
		storetest.Load(t, s, "acme", storetest.Entry(9, 8, "eu", "api")) // the same time, a greater id
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 9)
		storetest.Load(t, s, "acme", storetest.Entry(4, 8, "eu", "api")) // the same time, a lesser one
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 9)
	})
}

func TestTheLatestOfASlotFollowsRecordsThatChangeFromBatchToBatch(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		for i, limits := range []struct{ slots, reorder int }{{0, 1}, {0, 100}, {100, 1}, {100, 100}} {
			s := withLimits(db, importing.Limits{Batch: 1, Cache: limits.slots, Reorder: limits.reorder, Slots: limits.slots})
			slot := fmt.Sprint("slot", i)
			storetest.Load(t, s, "acme", storetest.Entry(i+1, 1, "eu", slot), storetest.Entry(i+1, 1, "eu", slot, storetest.WithUpdate(2), storetest.WithStatus(deployments.Superseded)))
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: slot, Status: deployments.Superseded}, i+1)
		}
	})
}

func TestTheLatestOfASlotFollowsRecordsThatMove(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"), storetest.Entry(2, 2, "eu", "api"), storetest.Entry(3, 1, "us", "api"))
		// The latest of eu/api moves to us/api, which is what us/api then shows; eu/api falls back to record 1.
		storetest.Load(t, s, "acme", storetest.Entry(2, 2, "us", "api", storetest.WithUpdate(3)))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "eu"}, 1)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "us"}, 2)
		// It becomes older than the other of its slot.
		storetest.Load(t, s, "acme", storetest.Entry(2, 0, "us", "api", storetest.WithUpdate(4)))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "us"}, 3)
		// The only record of a slot leaves it: the slot is gone.
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "ap", "api", storetest.WithUpdate(5)))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{EnvironmentName: "eu"})
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 3, 1)
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All}, 3, 1, 2)
	})
}

func TestI4_ContradictionsAreToldAndLoadNothing(t *testing.T) {
	ids := storetest.WithIDs("acme")
	with := func(change func(*deployments.Record)) storetest.Option {
		return func(e *deployments.ImportEntry) { change(&e.Record) }
	}
	other := "99999999-0000-4000-8000-000000000000"
	for name, c := range map[string]struct {
		entry deployments.ImportEntry
		field string
	}{
		"a record of another organization":       {storetest.Entry(50, 2, "x", "api"), "id"},
		"an environment of another organization": {storetest.Entry(2, 2, "x", "api", with(func(r *deployments.Record) { r.EnvironmentID = storetest.NameID("globex", "environment", "eu") })), "environment_id"},
		"an environment id with two names":       {storetest.Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.EnvironmentName = "us" })), "environment_id"},
		"an environment name with two ids":       {storetest.Entry(2, 2, "eu", "api", with(func(r *deployments.Record) { r.EnvironmentID = other })), "environment_name"},
		"a logical environment of another organization": {storetest.Entry(2, 2, "eu", "api", storetest.WithStage("x"), with(func(r *deployments.Record) {
			r.LogicalEnvironmentID = storetest.NameID("globex", "logical environment", "production")
		})), "logical_environment_id"},
		"a logical environment id with two names": {storetest.Entry(2, 2, "eu", "api", storetest.WithStage("production"), ids, with(func(r *deployments.Record) { r.LogicalEnvironmentName = "x" })), "logical_environment_id"},
		"a logical environment name with two ids": {storetest.Entry(2, 2, "eu", "api", storetest.WithStage("production"), with(func(r *deployments.Record) { r.LogicalEnvironmentID = other })), "logical_environment_name"},
		"an artifact of another organization":     {storetest.Entry(2, 2, "eu", "api", storetest.WithIDs("globex"), with(func(r *deployments.Record) { r.EnvironmentID = "" })), "artifact_id"},
		"an artifact id with two digests":         {storetest.Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.Artifact.Digest = storetest.Digest(2) })), "artifact.digest"},
		"an artifact id with two versions":        {storetest.Entry(2, 2, "eu", "api", ids, with(func(r *deployments.Record) { r.Artifact.Version = "2" })), "artifact.version"},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
				storetest.Load(t, s, "globex", storetest.Entry(50, 1, "eu", "api", storetest.WithStage("production"), storetest.WithIDs("globex")))
				first := storetest.Entry(1, 1, "eu", "api", storetest.WithStage("production"), ids)
				wantFault(t, s, c.field, 1, first, storetest.Entry(3, 3, "eu", "web"), c.entry)
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All})
				if strings.HasPrefix(c.field, "artifact.") {
					wantFault(t, s, c.field, 1, apart(first, c.entry)...)
					storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All})
				}
				wantFault(t, s, c.field, 2, first, c.entry, c.entry)
				storetest.Load(t, s, "acme", first)
				wantFault(t, s, c.field, 1, c.entry)
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All}, 1)
			})
		})
	}
}

// apart puts more entries between two than an import looks at together.
func apart(first, last deployments.ImportEntry) []deployments.ImportEntry {
	file := []deployments.ImportEntry{first}
	for i := range 5000 {
		file = append(file, storetest.Entry(1000+i, i, "eu", fmt.Sprint("slot", i)))
	}
	return append(file, last)
}

func wantFault(t *testing.T, s deployments.Store, field string, count int, file ...deployments.ImportEntry) {
	t.Helper()
	_, err := s.Import(context.Background(), "acme", storetest.Entries(file...))
	var refused *deployments.ImportError
	if !errors.As(err, &refused) || len(refused.Violations) != count {
		t.Fatalf("got %v, want %d faults", err, count)
	}
	if f := refused.Violations[0]; f.Field != field || f.Line != len(file)-count+1 || f.Message == "" {
		t.Errorf("got %q, want it on line %d at %s", f, len(file)-count+1, field)
	}
}

func TestI4_FaultsOfTheEntriesLoadNothingAndTwentyAreTold(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for _, bad := range []int{1, 19, 20, 30} {
			read := 0
			entries := func(yield func(deployments.ImportEntry, error) bool) {
				for i := range 40 {
					read++
					if i < bad && !yield(deployments.ImportEntry{}, &deployments.ImportViolation{Line: i + 1, Message: "is bad"}) {
						return
					}
					e := storetest.Entry(i+1, i, "eu", "api")
					e.Line = i + 1
					if i >= bad && !yield(e, nil) {
						return
					}
				}
			}
			_, err := s.Import(context.Background(), "acme", entries)
			var refused *deployments.ImportError
			if !errors.As(err, &refused) || len(refused.Violations) != min(bad, 20) || refused.More != (bad >= 20) {
				t.Errorf("%d faults: got %v", bad, err)
			}
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All})
		}
	})
}

func TestAnImportThatIsCutOffLeavesNothing(t *testing.T) {
	broken := errors.New("the file broke off")
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for _, cause := range []error{broken, io.ErrUnexpectedEOF} { // the latter is what a cut connection says, too
			_, err := s.Import(context.Background(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
				for e, err := range many(3000) {
					if !yield(e, err) {
						return
					}
				}
				yield(deployments.ImportEntry{}, cause)
			})
			if !errors.Is(err, cause) || errors.Is(err, deployments.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		_, err := s.Import(ctx, "acme", func(yield func(deployments.ImportEntry, error) bool) {
			for e, err := range many(3000) {
				if e.Line == 2500 {
					cancel()
				}
				if !yield(e, err) {
					return
				}
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All})
		if _, err := s.Import(context.Background(), "acme", many(3000)); err != nil {
			t.Error(err)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}); got.Total != 3000 {
			t.Errorf("total %d", got.Total)
		}
	})
}

func TestAnImportThatIsRefusedReadsNoFurtherThanTheNextBatch(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := withLimits(db, importing.Limits{Batch: 25, Cache: 100, Reorder: 100, Slots: 100})
		read, over := 0, false
		_, err := s.Import(context.Background(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
			defer func() { over = true }()
			for e, err := range many(1000) {
				e.Record.EnvironmentID, e.Record.EnvironmentName = storetest.ID(1), fmt.Sprint("env", e.Line)
				if read++; !yield(e, err) {
					return
				}
			}
		})
		var refused *deployments.ImportError
		if !errors.As(err, &refused) || len(refused.Violations) != 20 || !refused.More || refused.Violations[0].Line != 2 {
			t.Errorf("got %v", err)
		}
		// Without a lock: whoever reads the entries must be done by now.
		if !over || read > 75 {
			t.Errorf("%d entries were read, and reading is over: %v", read, over)
		}
	})
}

func many(n int) iter.Seq2[deployments.ImportEntry, error] {
	return func(yield func(deployments.ImportEntry, error) bool) {
		for i := range n {
			e := storetest.Entry(i+1, i/7, fmt.Sprint("env", i%5), fmt.Sprint("slot", i%50), storetest.WithStage("production"), storetest.WithDigest(i%90), storetest.WithProject(fmt.Sprint("p", i%9), "v1"))
			e.Line = i + 1
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestImportsAtOnceDoNotDisturbEachOther(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		results := make(chan error)
		for range 4 {
			go func() {
				_, err := s.Import(context.Background(), "acme", many(300))
				results <- err
			}()
		}
		for range 4 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}); got.Total != 300 {
			t.Errorf("total %d, want 300", got.Total)
		}
	})
}

func TestAnOrganizationNeedsAKey(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for _, key := range []string{"", "a\x00b", strings.Repeat("x", 257), "a\xff", "a\ufffd"} {
			if _, err := s.Import(context.Background(), key, many(1)); err == nil {
				t.Errorf("%q: imported", key)
			}
		}
	})
}

func withLimits(db *database.DB, limits importing.Limits) *store.Store {
	return store.New(db, store.Parts{ImportLimits: limits})
}
