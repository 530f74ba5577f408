package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func testI1_MissingIDsAreFoundByNameOrGenerated(t *testing.T, open Opener) {
	s := open(t)
	known := Entry(1, 1, "eu", "api", WithStage("production"), WithIDs("acme"))
	Load(t, s, "acme", known)
	Load(t, s, "acme",
		Entry(2, 2, "eu", "api", WithStage("production")),
		Entry(3, 3, "new", "api", WithStage("staging"), WithDigest(2)),
		Entry(4, 4, "new", "api", WithStage("staging"), WithDigest(2)),
	)
	got := Ask(t, s, Acme, deployments.Query{History: deployments.All}).Records
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
}

func testI1_FourPartsIdentifyArtifacts(t *testing.T, open Opener) {
	s := open(t)
	variant := func(id int, change func(*deployments.Artifact)) deployments.ImportEntry {
		e := Entry(id, id, "eu", fmt.Sprint("slot", id))
		e.Record.Artifact = deployments.Artifact{Kind: deployments.ContainerImage, Name: "n", Version: "v", Digest: Digest(1)}
		change(&e.Record.Artifact)
		return e
	}
	Load(t, s, "acme",
		variant(1, func(*deployments.Artifact) {}),
		variant(2, func(a *deployments.Artifact) { a.Kind = deployments.HelmChart }),
		variant(3, func(a *deployments.Artifact) { a.Name = "m" }),
		variant(4, func(a *deployments.Artifact) { a.Version = "" }),
		variant(5, func(a *deployments.Artifact) { a.Digest = Digest(2) }),
		variant(6, func(*deployments.Artifact) {}),
	)
	ids := map[string][]int{}
	for i, r := range Ask(t, s, Acme, deployments.Query{}).Records {
		ids[r.ArtifactID] = append(ids[r.ArtifactID], 6-i)
	}
	if len(ids) != 5 {
		t.Errorf("artifacts: %v", ids)
	}

	// An import may give the same parts under another id; that is another artifact.
	twin := variant(7, func(*deployments.Artifact) {})
	twin.Record.ArtifactID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	Load(t, s, "acme", twin)
	if got := Ask(t, s, Acme, deployments.Query{DeploymentName: "slot7"}).Records[0].ArtifactID; got != twin.Record.ArtifactID {
		t.Errorf("artifact_id: got %s", got)
	}
}

func testI2_ImportDoesNotSupersede(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api"), Entry(2, 2, "eu", "api", WithDigest(2)))
	WantIDs(t, s, Acme, deployments.Query{History: deployments.All, Status: deployments.Deployed}, 2, 1)
}

func testI3_ImportingAFileAgainChangesNothing(t *testing.T, open Opener) {
	s := open(t)
	file := []deployments.ImportEntry{
		Entry(1, 1, "eu", "api", WithStage("production"), WithProject("web", "v1")),
		Entry(2, 2, "eu", "api", WithDigest(2)),
		Entry(1, 1, "eu", "api", WithStage("production"), WithStatus(deployments.Superseded), WithUpdate(2)),
	}
	if got, want := Load(t, s, "acme", file...), (deployments.ImportSummary{Added: 2, Changed: 1}); got != want {
		t.Errorf("first time: got %+v, want %+v", got, want)
	}
	before := Ask(t, s, Acme, deployments.Query{History: deployments.All})
	if got, want := Load(t, s, "acme", file...), (deployments.ImportSummary{Unchanged: 3}); got != want {
		t.Errorf("second time: got %+v, want %+v", got, want)
	}
	after := Ask(t, s, Acme, deployments.Query{History: deployments.All})
	if !slices.Equal(before.Records, after.Records) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}

func testI3_ImportingAFileAgainFindsTheSameArtifacts(t *testing.T, open Opener) {
	// The first line's artifact is found by its parts, and a later line gives an id, a lesser one, to the same parts.
	given := func(id, artifact string) deployments.ImportEntry {
		e := Entry(2, 2, "eu", "b"+id)
		e.Record.ID, e.Record.ArtifactID = NameID("acme", "record", id), artifact
		e.Record.Artifact.Name = "n"
		return e
	}
	first := Entry(1, 1, "eu", "a", WithProject("web", "v1"))
	first.Record.Artifact.Name = "n"
	for name, file := range map[string][]deployments.ImportEntry{
		"made, then given":  {first, given("x", "00000000-0000-4000-8000-000000000001")},
		"given, then lower": {given("x", "ffffffff-0000-4000-8000-000000000001"), first, given("y", "00000000-0000-4000-8000-000000000001")},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			Load(t, s, "acme", file...)
			web := deployments.Query{ProjectName: "web", History: deployments.All}
			before := Ask(t, s, Acme, web)
			Load(t, s, "acme", file...)
			if after := Ask(t, s, Acme, web); !slices.Equal(before.Records, after.Records) {
				t.Errorf("before %+v\nafter  %+v", before, after)
			}
		})
	}
}

func testI3_OnlyALaterUpdateChangesAStoredRecord(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api", WithUpdate(5)))
	for _, stale := range []int{4, 5} {
		Load(t, s, "acme", Entry(1, 1, "eu", "api", WithUpdate(stale), WithStatus(deployments.Superseded)))
		WantIDs(t, s, Acme, deployments.Query{Status: deployments.Superseded})
	}
	Load(t, s, "acme", Entry(1, 1, "eu", "api", WithUpdate(6), WithStatus(deployments.Superseded), WithStage("production"), WithDigest(9)))
	for _, history := range []deployments.History{deployments.Latest, deployments.All} {
		WantIDs(t, s, Acme, deployments.Query{History: history, Status: deployments.Superseded, LogicalEnvironmentName: "production", ArtifactDigest: Digest(9)}, 1)
	}
}

func testI3_ProjectVersionsAddUp(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api", WithProject("web", "v1")))
	Load(t, s, "acme", Entry(1, 1, "eu", "api", WithProject("web", "v2"), WithProject("shop", "v1"), WithProject("shop", "v1")))
	Load(t, s, "acme", Entry(1, 1, "eu", "api"))
	for _, q := range []deployments.Query{
		{ProjectName: "web", ProjectVersionName: "v1"},
		{ProjectName: "web", ProjectVersionName: "v2"},
		{ProjectName: "shop", ProjectVersionName: "v1"},
	} {
		WantIDs(t, s, Acme, q, 1)
	}
}

func testLatestOfASlotDoesNotDependOnFileOrder(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(5, 5, "eu", "api"), Entry(2, 2, "eu", "api"), Entry(8, 8, "eu", "api"), Entry(1, 1, "eu", "api"))
	WantIDs(t, s, Acme, deployments.Query{}, 8)
	Load(t, s, "acme", Entry(3, 3, "eu", "api"))
	WantIDs(t, s, Acme, deployments.Query{}, 8)
	Load(t, s, "acme", Entry(9, 8, "eu", "api")) // the same time, a greater id
	WantIDs(t, s, Acme, deployments.Query{}, 9)
	Load(t, s, "acme", Entry(4, 8, "eu", "api")) // the same time, a lesser one
	WantIDs(t, s, Acme, deployments.Query{}, 9)
}

func testLatestOfASlotFollowsMovedRecords(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api"), Entry(2, 2, "eu", "api"), Entry(3, 1, "us", "api"))
	// The latest of eu/api moves to us/api, which is what us/api then shows; eu/api falls back to record 1.
	Load(t, s, "acme", Entry(2, 2, "us", "api", WithUpdate(3)))
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "eu"}, 1)
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "us"}, 2)
	// It becomes older than the other of its slot.
	Load(t, s, "acme", Entry(2, 0, "us", "api", WithUpdate(4)))
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "us"}, 3)
	// The only record of a slot leaves it: the slot is gone.
	Load(t, s, "acme", Entry(1, 1, "ap", "api", WithUpdate(5)))
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "eu"})
	WantIDs(t, s, Acme, deployments.Query{}, 3, 1)
	WantIDs(t, s, Acme, deployments.Query{History: deployments.All}, 3, 1, 2)
}

// separate puts more entries between two than an import looks up together.
func separate(first, last deployments.ImportEntry) []deployments.ImportEntry {
	file := []deployments.ImportEntry{first}
	for i := range 5000 {
		file = append(file, Entry(1000+i, i, "eu", fmt.Sprint("slot", i)))
	}
	return append(file, last)
}

func requireViolations(t *testing.T, s deployments.Store, field string, count int, file ...deployments.ImportEntry) {
	t.Helper()
	_, err := s.Import(context.Background(), "acme", Entries(file...))
	var refused *deployments.ImportError
	if !errors.As(err, &refused) || len(refused.Violations) != count {
		t.Fatalf("got %v, want %d faults", err, count)
	}
	if f := refused.Violations[0]; f.Field != field || f.Line != len(file)-count+1 || f.Message == "" {
		t.Errorf("got %q, want it on line %d at %s", f, len(file)-count+1, field)
	}
}

// ManyEntries yields n entries in several environments, slots, artifacts and projects.
func ManyEntries(n int) iter.Seq2[deployments.ImportEntry, error] {
	return func(yield func(deployments.ImportEntry, error) bool) {
		for i := range n {
			e := Entry(i+1, i/7, fmt.Sprint("env", i%5), fmt.Sprint("slot", i%50), WithStage("production"), WithDigest(i%90), WithProject(fmt.Sprint("p", i%9), "v1"))
			e.Line = i + 1
			if !yield(e, nil) {
				return
			}
		}
	}
}

func testConcurrentImportsSucceed(t *testing.T, open Opener) {
	s := open(t)
	results := make(chan error)
	for range 4 {
		go func() {
			_, err := s.Import(context.Background(), "acme", ManyEntries(300))
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All}); got.Total != 300 {
		t.Errorf("total %d, want 300", got.Total)
	}
}
