package recording_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func recordingAt(slot string, digest int) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: "eu", DeploymentName: slot, Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
	}
}

func TestW6_ClockBehindTheSlotDoesNotReorderIt(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		storetest.Load(t, s, "acme", storetest.Entry(1, 60*24*300, "eu", "api")) // by a clock that is far ahead
		result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("api", 2)}}, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		ahead := storetest.At(60 * 24 * 300)
		if got := result.Items[0].Record.CreatedAt; time.Now().Before(ahead) && !got.Equal(ahead.Add(time.Microsecond)) {
			t.Errorf("created at %v, the record before it at %v", got, ahead)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Records; len(got) != 1 || got[0].ID != result.Items[0].Record.ID {
			t.Errorf("the latest is %+v", got)
		}
	})
}

func TestW6_DatabaseClockDecides(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		before := time.Now().Add(-time.Second)
		result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("api", 1)}}, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		created := result.Items[0].Record.CreatedAt
		if created.Before(before) || created.After(time.Now().Add(time.Second)) || created.Location() != time.UTC || created.Nanosecond()%1000 != 0 {
			t.Errorf("created at %v", created)
		}
	})
}

// An artifact whose parts are filled in has the projects of the old one, also of links that the same batch adds. Filling
// keeps counters, milestones and slots exact.
func TestW3_FillingKeepsCountersExact(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{MilestoneInterval: 2})
		pv := func(project string) deployments.ProjectVersion {
			return deployments.ProjectVersion{ProjectName: project, VersionName: "v1"}
		}
		part := func(r deployments.Recording, name, version string, projects ...string) deployments.BatchItem {
			r.Name, r.Version = &name, &version
			for _, project := range projects {
				r.ProjectVersions = append(r.ProjectVersions, pv(project))
			}
			return deployments.BatchItem{Recording: r}
		}
		record := func(items ...deployments.BatchItem) []deployments.ItemResult {
			t.Helper()
			result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: items, AutoCreate: true})
			if err != nil {
				t.Fatal(err)
			}
			storetest.RequireExactCounts(t, s, db.Pool, "acme")
			return result.Items
		}
		for i := range 8 {
			record(part(recordingAt(fmt.Sprint("s", i), 1), "", "", "stored"))
		}
		existing := record(part(recordingAt("elsewhere", 1), "n", "1"))[0].Record // without the project
		if filled := record(part(recordingAt("s0", 1), "n", "1"))[0].Record; filled.ArtifactID != existing.ArtifactID {
			t.Errorf("the artifact of the filled record is %s, want %s", filled.ArtifactID, existing.ArtifactID)
		}
		requireProject(t, s, "stored", 9)
		record(part(recordingAt("s1", 1), "", "", "pending"), part(recordingAt("s1", 1), "m", ""), part(recordingAt("s1", 1), "", "2"),
			part(recordingAt("s2", 1), "", "", "after"))
		requireProject(t, s, "pending", 7)
		requireProject(t, s, "after", 6)
		// The latest record of its slot, and one that is not.
		chart := recordingAt("s3", 2)
		chart.Kind = deployments.HelmChart
		record(deployments.BatchItem{Recording: chart})
		record(part(recordingAt("s3", 1), "n", "1", "last"))
		requireProject(t, s, "last", 3)
	})
}

// requireProject fails the test unless the project has so many records.
func requireProject(t *testing.T, s deployments.Store, project string, want int64) {
	t.Helper()
	if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: project}).Total; got != want {
		t.Errorf("project %s has %d records, want %d", project, got, want)
	}
}
