package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// recordImage records an artifact as deployed, which may belong to projects.
func recordImage(s deployments.Store, digest int, environment, deployment string, projects ...string) error {
	name, version := "n", "1"
	r := deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment, Kind: deployments.ContainerImage,
		Digest: Digest(digest), Name: &name, Version: &version, Status: deployments.Deployed,
	}
	for _, project := range projects {
		r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: project, VersionName: "v1"})
	}
	_, err := s.Record(context.Background(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: r}}, AutoCreate: true})
	return err
}

func verified(t *testing.T, s deployments.Store) {
	t.Helper()
	found, err := s.(*store.Store).Verify(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if found.Found > 0 {
		t.Fatalf("Verify: %s", strings.Join(found.Faults, "\n"))
	}
}

func TestL4_AnArtifactThatComesToAProjectTakesItsRecordsAlong(t *testing.T) {
	OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		of := func(project string, latest, all int) {
			t.Helper()
			for history, want := range map[deployments.History]int{deployments.Latest: latest, deployments.All: all} {
				if got := Ask(t, s, acme, deployments.Query{History: history, ProjectName: project}); got.Total != int64(want) || len(got.Records) != want {
					t.Errorf("%s: %d of %d records, want %d", project, len(got.Records), got.Total, want)
				}
			}
			verified(t, s)
		}
		record := func(digest int, environment, deployment string, projects ...string) {
			t.Helper()
			if err := recordImage(s, digest, environment, deployment, projects...); err != nil {
				t.Fatal(err)
			}
		}
		record(1, "eu", "api")
		record(1, "us", "api")
		record(2, "us", "api")
		of("web", 0, 0)
		record(1, "eu", "api", "web") // adds nothing but the link
		of("web", 1, 2)
		record(3, "eu", "api", "web", "shop")
		of("web", 1, 3)
		of("shop", 1, 1)
		Load(t, s, "acme", Entry(1, 1, "asia", "api", WithDigest(9)), Entry(2, 2, "africa", "api", WithDigest(9)))
		Load(t, s, "acme", Entry(1, 1, "asia", "api", WithDigest(9), WithProject("shop", "v1"))) // unchanged but for the link
		of("shop", 3, 3)
		Load(t, s, "acme", Entry(2, 2, "africa", "api", WithDigest(8), WithUpdate(3))) // another artifact, in no project
		of("shop", 2, 2)
		if got := Ask(t, s, deployments.Scope{Organization: "acme", Project: "shop"}, deployments.Query{History: deployments.All, ProjectName: "web"}); got.Total != 1 || len(got.Records) != 1 {
			t.Errorf("of both projects, %+v", got)
		}
	})
}

// Lines of one file that come to be written at different times: records may wait, and the slots are last of all.
func TestL4_AnImportLinksItsArtifactsInAnyOrder(t *testing.T) {
	for _, limits := range []struct{ memory, unwritten int }{{1, 1}, {1000, 1}, {1000, 1000}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			OnEachEngine(t, func(t *testing.T, s deployments.Store) {
				s.(*store.Store).SetImportLimits(1, limits.memory, limits.unwritten)
				Load(t, s, "acme",
					Entry(1, 1, "eu", "api"),
					Entry(2, 2, "us", "api"),
					Entry(3, 3, "us", "api", WithProject("shop", "v1")),
					Entry(4, 4, "asia", "web", WithProject("web", "v1")),
					Entry(5, 5, "asia", "db"),
					Entry(2, 2, "us", "api", WithProject("web", "v1")),
					Entry(6, 6, "asia", "web"),
				)
				verified(t, s)
				WantIDs(t, s, acme, deployments.Query{ProjectName: "shop"}, 3, 1)
				WantIDs(t, s, acme, deployments.Query{History: deployments.All, ProjectName: "web"}, 6, 4, 3, 2, 1)
			})
		})
	}
}

// Whoever links an artifact and whoever records it meanwhile, in whatever slot: no record misses a project.
func TestL4_LinksAndRecordingsOfOneArtifactAtOnce(t *testing.T) {
	OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for round := range 12 {
			if round%2 == 0 { // otherwise the artifact is new
				if err := recordImage(s, round, "old", fmt.Sprint("api", round)); err != nil {
					t.Fatal(err)
				}
			}
			var all sync.WaitGroup
			begin := make(chan struct{})
			at := func(do func() error) {
				all.Add(1)
				go func() {
					defer all.Done()
					<-begin
					if err := do(); err != nil {
						t.Error(err)
					}
				}()
			}
			for i := range 4 {
				at(func() error { return recordImage(s, round, fmt.Sprint("eu", i), fmt.Sprint("api", round)) })
				at(func() error {
					return recordImage(s, round, fmt.Sprint("us", i), fmt.Sprint("api", round), fmt.Sprint("project", i%3), fmt.Sprint("project", round%3))
				})
			}
			at(func() error {
				for {
					e := Entry(round+1, round, "asia", fmt.Sprint("api", round), WithDigest(round), WithProject("imported", "v1"))
					e.Record.Artifact.Name, e.Record.Artifact.Version = "n", "1"
					_, err := s.Import(context.Background(), "acme", Entries(e))
					if !errors.Is(err, deployments.ErrConflict) {
						return err
					}
				}
			})
			close(begin)
			all.Wait()
			verified(t, s)
			if got := Ask(t, s, acme, deployments.Query{History: deployments.All, ProjectName: "imported", DeploymentName: fmt.Sprint("api", round)}); got.Total < 9 {
				t.Errorf("round %d: %d records are of the project", round, got.Total)
			}
		}
	})
}

// A recorder that has read the artifact's projects keeps others from changing them until its record is stored.
func TestL4_ALinkWaitsForARecordingUnderWayInPostgreSQL(t *testing.T) {
	url := pgtest.URL(t)
	recorder, linker := Open(t, url), Open(t, url)
	if err := recordImage(linker, 1, "eu", "api"); err != nil {
		t.Fatal(err)
	}
	reading, store := make(chan struct{}), make(chan struct{})
	recorder.SetClock(func() time.Time {
		close(reading)
		<-store
		return time.Now().UTC().Truncate(time.Microsecond)
	})
	results := make(chan error, 2)
	go func() { results <- recordImage(recorder, 1, "us", "api") }()
	<-reading
	linked := make(chan struct{})
	go func() {
		results <- recordImage(linker, 1, "asia", "api", "web")
		close(linked)
	}()
	db := plain(t, url)
	waiting := func() (n int) {
		if err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	for giveUp := time.Now().Add(20 * time.Second); waiting() == 0 && time.Now().Before(giveUp); time.Sleep(10 * time.Millisecond) {
		select {
		case <-linked:
			t.Error("the link did not wait")
			giveUp = time.Now()
		default:
		}
	}
	close(store)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	verified(t, linker)
	if got := Ask(t, linker, acme, deployments.Query{ProjectName: "web"}); got.Total != 3 {
		t.Errorf("%d records are of the project", got.Total)
	}
}
