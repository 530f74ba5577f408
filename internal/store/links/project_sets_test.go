package links_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestL4_LinkingAnArtifactAppliesToItsRecords(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		of := func(project string, latest, all int) {
			t.Helper()
			for history, want := range map[deployments.History]int{deployments.Latest: latest, deployments.All: all} {
				if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: history, ProjectName: project}); got.Total != int64(want) || len(got.Records) != want {
					t.Errorf("%s: %d of %d records, want %d", project, len(got.Records), got.Total, want)
				}
			}
			requireVerified(t, s)
		}
		record := func(digest int, environment, deployment string, projects ...string) {
			t.Helper()
			if err := storetest.RecordImage(s, digest, environment, deployment, projects...); err != nil {
				t.Fatal(err)
			}
		}
		record(1, "eu", "api")
		record(1, "us", "api")
		record(2, "us", "api")
		of("web", 0, 0)
		record(1, "eu", "api", "web") // adds only the link
		of("web", 1, 2)
		record(3, "eu", "api", "web", "shop")
		of("web", 1, 3)
		of("shop", 1, 1)
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "asia", "api", storetest.WithDigest(9)), storetest.Entry(2, 2, "africa", "api", storetest.WithDigest(9)))
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "asia", "api", storetest.WithDigest(9), storetest.WithProject("shop", "v1"))) // adds only the link
		of("shop", 3, 3)
		storetest.Load(t, s, "acme", storetest.Entry(2, 2, "africa", "api", storetest.WithDigest(8), storetest.WithUpdate(3))) // another artifact, in no project
		of("shop", 2, 2)
		if got := storetest.Ask(t, s, deployments.Scope{Organization: "acme", Project: "shop"}, deployments.Query{History: deployments.All, ProjectName: "web"}); got.Total != 1 || len(got.Records) != 1 {
			t.Errorf("of both projects, %+v", got)
		}
	})
}

// The lines of one file are written at different times: records may wait in the buffer, and slots are written last.
func TestL4_ImportLinksArtifactsInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, limits := range []struct{ cache, reorder int }{{1, 1}, {1000, 1}, {1000, 1000}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
				s := store.New(db, store.Parts{ImportLimits: importing.Limits{Batch: 1, Cache: limits.cache, Reorder: limits.reorder, Slots: limits.cache}})
				storetest.Load(t, s, "acme",
					storetest.Entry(1, 1, "eu", "api"),
					storetest.Entry(2, 2, "us", "api"),
					storetest.Entry(3, 3, "us", "api", storetest.WithProject("shop", "v1")),
					storetest.Entry(4, 4, "asia", "web", storetest.WithProject("web", "v1")),
					storetest.Entry(5, 5, "asia", "db"),
					storetest.Entry(2, 2, "us", "api", storetest.WithProject("web", "v1")),
					storetest.Entry(6, 6, "asia", "web"),
				)
				requireVerified(t, s)
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{ProjectName: "shop"}, 3, 1)
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: "web"}, 6, 4, 3, 2, 1)
			})
		})
	}
}

// Writers link an artifact while others record it in several slots: no record misses a project.
func TestL4_ConcurrentLinksAndRecordingsOfOneArtifact(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for round := range 12 {
			if round%2 == 0 { // otherwise the artifact is new
				if err := storetest.RecordImage(s, round, "old", fmt.Sprint("api", round)); err != nil {
					t.Fatal(err)
				}
			}
			var all sync.WaitGroup
			begin := make(chan struct{})
			at := func(do func() error) {
				all.Go(func() {
					<-begin
					if err := do(); err != nil {
						t.Error(err)
					}
				})
			}
			for i := range 4 {
				at(func() error { return storetest.RecordImage(s, round, fmt.Sprint("eu", i), fmt.Sprint("api", round)) })
				at(func() error {
					return storetest.RecordImage(s, round, fmt.Sprint("us", i), fmt.Sprint("api", round), fmt.Sprint("project", i%3), fmt.Sprint("project", round%3))
				})
			}
			at(func() error {
				for {
					e := storetest.Entry(round+1, round, "asia", fmt.Sprint("api", round), storetest.WithDigest(round), storetest.WithProject("imported", "v1"))
					e.Record.Artifact.Name, e.Record.Artifact.Version = "n", "1"
					_, err := s.Import(context.Background(), "acme", storetest.Entries(e))
					if !errors.Is(err, deployments.ErrConflict) {
						return err
					}
				}
			})
			close(begin)
			all.Wait()
			requireVerified(t, s)
			if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ProjectName: "imported", DeploymentName: fmt.Sprint("api", round)}); got.Total < 9 {
				t.Errorf("round %d: %d records are of the project", round, got.Total)
			}
		}
	})
}

// A recorder that has read the artifact's project set blocks changes of it until its record is committed.
func TestL4_LinkWaitsForAConcurrentRecordingInPostgreSQL(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	reading, proceed := make(chan struct{}), make(chan struct{})
	recorder := store.New(storetest.OpenDatabase(t, url), store.Parts{Now: func() time.Time {
		close(reading)
		<-proceed
		return time.Now()
	}})
	linker := storetest.Open(t, url)
	if err := storetest.RecordImage(linker, 1, "eu", "api"); err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	go func() { results <- storetest.RecordImage(recorder, 1, "us", "api") }()
	<-reading
	linked := make(chan struct{})
	go func() {
		results <- storetest.RecordImage(linker, 1, "asia", "api", "web")
		close(linked)
	}()
	db := storetest.OpenSQL(t, url)
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
	close(proceed)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	storetest.RequireVerified(t, linker, "acme")
	if got := storetest.Ask(t, linker, storetest.Acme, deployments.Query{ProjectName: "web"}); got.Total != 3 {
		t.Errorf("%d records are of the project", got.Total)
	}
}

func requireVerified(t *testing.T, s deployments.Store) {
	t.Helper()
	storetest.RequireVerified(t, s.(*store.Store), "acme")
}
