package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// named gives a recording a name and a version.
func named(r deployments.Recording, name, version string) deployments.Recording {
	r.Name, r.Version = &name, &version
	return r
}

// ofProject adds a version of a project to a recording.
func ofProject(r deployments.Recording, name string) deployments.Recording {
	r.ProjectVersions = append(slices.Clone(r.ProjectVersions), deployments.ProjectVersion{ProjectName: name, VersionName: "v1"})
	return r
}

func requireParts(t testing.TB, r deployments.Record, name, version string) {
	t.Helper()
	if r.Artifact.Name != name || r.Artifact.Version != version {
		t.Errorf("the artifact is %q %q, want %q %q", r.Artifact.Name, r.Artifact.Version, name, version)
	}
}

// requireListed fails the test unless the record is listed as it is, in the history and among the latest.
func requireListed(t testing.TB, s deployments.Store, want deployments.Record) {
	t.Helper()
	for _, history := range []deployments.History{deployments.All, deployments.Latest} {
		listed := Ask(t, s, Acme, deployments.Query{History: history, EnvironmentName: want.EnvironmentName, DeploymentName: want.DeploymentName}).Records
		if !slices.Contains(listed, want) {
			t.Errorf("listed: %+v\nwant %+v", listed, want)
		}
	}
}

func testW3_EmptyPartsAreFilledByTheFirstRecordingThatGivesThem(t *testing.T, open Opener) {
	s := open(t)
	first := record(t, s, ofProject(image("eu", "api", 1), "web"))
	other := record(t, s, image("us", "api", 1))
	requireParts(t, first, "", "")

	filled := record(t, s, ofProject(named(image("eu", "api", 1), "api", ""), "shop"))
	if filled.ID != first.ID || !filled.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("got %+v after %+v", filled, first)
	}
	requireParts(t, filled, "api", "")
	requireListed(t, s, filled)
	requireListed(t, s, other)

	again := record(t, s, named(image("eu", "api", 1), "", "1.4"))
	requireParts(t, again, "api", "1.4")
	requireListed(t, s, again)
	for _, project := range []string{"web", "shop"} {
		got := Ask(t, s, Acme, deployments.Query{History: deployments.All, ProjectName: project, EnvironmentName: "eu"})
		if got.Total != 1 || got.Records[0].ID != first.ID {
			t.Errorf("project %s: got %+v", project, got)
		}
	}
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All, ProjectName: "shop"}); got.Total != 1 {
		t.Errorf("the old artifact got the project of the new one: %+v", got.Records)
	}
	// Stored parts stay, and a recording that contradicts one fills nothing.
	requireParts(t, record(t, s, named(image("eu", "api", 1), "API", "1.5")), "api", "1.4")
	record(t, s, named(image("eu", "half", 2), "half", ""))
	requireParts(t, record(t, s, named(image("eu", "half", 2), "other", "1.0")), "half", "")
	// A later recording without a name gets that of the newest record.
	requireParts(t, record(t, s, image("ap", "api", 1)), "", "")
	requireParts(t, record(t, s, image("eu", "web", 2)), "half", "")
}

func testW3_EveryRecordingOfARunningArtifactFills(t *testing.T, open Opener) {
	s := open(t)
	ids := map[string]string{}
	for i, deployment := range []string{"snapshot", "batch", "decommissioned", "ended"} {
		ids[deployment] = record(t, s, image("eu", deployment, i)).ID
	}
	check := func(r deployments.Record) {
		t.Helper()
		requireParts(t, r, "n", "1")
		if r.ID != ids[r.DeploymentName] {
			t.Errorf("another record: %+v", r)
		}
		requireListed(t, s, r)
	}
	// The second of two items that name one deployment fills what the first one does not give.
	batch := batchOf(named(image("eu", "batch", 1), "n", ""), named(image("eu", "batch", 1), "", "1"))
	result, err := s.Record(background, "acme", batch)
	if err != nil {
		t.Fatal(err)
	}
	check(result.Items[0].Record)
	check(result.Items[1].Record)
	check(record(t, s, decommission(named(image("eu", "decommissioned", 2), "n", "1"))))
	// Without a digest, a name belongs to no artifact. A record that has ended is history.
	anything := decommission(named(image("eu", "ended", 3), "n", "1"))
	anything.Digest = ""
	requireParts(t, record(t, s, anything), "", "")
	requireParts(t, record(t, s, decommission(named(image("eu", "ended", 3), "n", "1"))), "", "")

	batch = batchOf(named(image("eu", "snapshot", 0), "n", "1"))
	batch.Snapshot = &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(time.Second)}
	if result, err = s.Record(background, "acme", batch); err != nil {
		t.Fatal(err)
	}
	check(result.Items[0].Record)
}

func testW3_ConcurrentRecordersFillOneArtifact(t *testing.T, open Opener) {
	s := open(t)
	const slots = 6
	for i := range slots {
		record(t, s, ofProject(image("eu", fmt.Sprint("s", i), 1), "web"))
	}
	var all sync.WaitGroup
	for i := range slots * 2 {
		all.Go(func() {
			r := ofProject(named(image("eu", fmt.Sprint("s", i%slots), 1), "api", "1.4"), fmt.Sprint("p", i%3))
			if _, err := s.Record(background, "acme", batchOf(r)); err != nil {
				t.Errorf("record: %v", err)
			}
		})
	}
	all.Wait()
	got := Ask(t, s, Acme, deployments.Query{History: deployments.All, ProjectName: "web"})
	if got.Total != slots {
		t.Errorf("%d records, want %d", got.Total, slots)
	}
	for _, r := range got.Records {
		requireParts(t, r, "api", "1.4")
		if r.ArtifactID != got.Records[0].ArtifactID {
			t.Errorf("two artifacts: %s and %s", r.ArtifactID, got.Records[0].ArtifactID)
		}
	}
}
