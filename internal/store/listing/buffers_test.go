package listing_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// withHistory opens a database with so many records in 10,000 slots, a tenth of them of another organization.
// testdata/history.sql describes them.
func withHistory(t *testing.T, records int) *store.Store {
	s, _ := openHistory(t, records)
	return s
}

// openHistory is withHistory that also opens the database below the store.
func openHistory(t *testing.T, records int) (*store.Store, *sql.DB) {
	t.Helper()
	url := storetest.PostgreSQL(t)
	s := storetest.Open(t, url)
	text, err := os.ReadFile("testdata/history.sql")
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.OpenSQL(t, url)
	for i, organization := range []string{"acme", "other"} {
		share := []int{records * 9 / 10, records / 10}[i]
		replace := strings.NewReplacer(":organization", "'"+organization+"'", ":n", fmt.Sprint(share))
		if _, err := db.Exec(replace.Replace(string(text))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	return s, db
}

// combinations returns every combination of environment, logical environment, status and kind, and each other filter
// alone.
func combinations() []deployments.Query {
	queries := []deployments.Query{{DeploymentName: "app3"}, {ArtifactDigest: "sha256:30"}, {ProjectName: "project3"}}
	for _, environment := range []string{"", "env7"} {
		for _, logical := range []string{"", "stage2"} {
			for _, status := range []deployments.Status{deployments.Deployed, deployments.Decommissioned, deployments.Superseded, deployments.AnyStatus} {
				for _, kind := range []deployments.Kind{deployments.ContainerImage, deployments.HelmChart, deployments.AnyKind} {
					queries = append(queries, deployments.Query{
						EnvironmentName: environment, LogicalEnvironmentName: logical, Status: status, ArtifactKind: kind,
					})
				}
			}
		}
	}
	return queries
}

func describe(q deployments.Query) string {
	history := map[deployments.History]string{deployments.All: "all", deployments.Latest: "latest"}[q.History]
	return strings.Join(strings.Fields(fmt.Sprintln(history, q.EnvironmentName, q.LogicalEnvironmentName, q.DeploymentName, q.Status, q.ArtifactKind,
		q.ArtifactDigest, q.ProjectName, q.ProjectVersionName, "page", q.Page.Number)), " ")
}

// The buffers that a listing reads do not grow with the history.
func TestListingsDoNotSlowDownWithTheHistory(t *testing.T) {
	racetest.Skip(t)
	small, large := withHistory(t, 20_000), withHistory(t, 200_000)
	page := deployments.Page{Size: 20}

	t.Run("first pages", func(t *testing.T) {
		full, _ := large.Buffers(t, storetest.Acme, deployments.Query{Status: deployments.Deployed, Page: page}) // its records are read by id
		for _, q := range combinations() {
			q.Page = page
			for _, q.History = range []deployments.History{deployments.Latest, deployments.All} {
				before, _ := small.Buffers(t, storetest.Acme, q)
				after, plan := large.Buffers(t, storetest.Acme, q)
				t.Logf("%-60s %5d %5d", describe(q), before, after)
				// With few records the page may not be full; a full one is the measure then.
				if float64(after) > 1.5*float64(max(before, full)) {
					t.Errorf("%s: %d buffers, %d with ten times the records\n%s", describe(q), before, after, plan)
				}
			}
		}
	})

	t.Run("deep pages of the full history", func(t *testing.T) {
		first, _ := large.Buffers(t, storetest.Acme, deployments.Query{History: deployments.All, Page: page})
		for _, q := range []deployments.Query{
			{},
			{EnvironmentName: "env7"},
			{LogicalEnvironmentName: "stage2"},
			{DeploymentName: "app3"},
			{Status: deployments.Deployed},
			{Status: deployments.Superseded},
			{Status: deployments.Decommissioned},
			{ArtifactKind: deployments.ContainerImage},
			{ArtifactKind: deployments.HelmChart},
			{ProjectName: "project3"},
			{EnvironmentName: "env7", Status: deployments.Superseded},
			{EnvironmentName: "env7", LogicalEnvironmentName: "stage2"},
			{LogicalEnvironmentName: "stage2", Status: deployments.Superseded},
			{Status: deployments.Superseded, ArtifactKind: deployments.ContainerImage},
			{DeploymentName: "app3", EnvironmentName: "env7"},
			{DeploymentName: "app3", LogicalEnvironmentName: "stage2"},
			{DeploymentName: "app3", Status: deployments.Superseded},
			{DeploymentName: "app3", ArtifactKind: deployments.ContainerImage},
			{ProjectName: "project3", LogicalEnvironmentName: "stage2"},
			{ProjectName: "project3", EnvironmentName: "env7"},
			{ProjectName: "project3", Status: deployments.Superseded},
			{ProjectName: "project3", ArtifactKind: deployments.ContainerImage},
			{ProjectName: "project3", DeploymentName: "app3"},
		} {
			q.History, q.Page = deployments.All, page
			last := (storetest.Ask(t, large, storetest.Acme, q).Total - 1) / int64(page.Size)
			for _, number := range []int64{last / 100, last / 2, last} {
				q.Page.Number = int32(number)
				buffers, plan := large.Buffers(t, storetest.Acme, q)
				t.Logf("%-60s %5d", describe(q), buffers)
				if buffers > max(3*first, 300) {
					t.Errorf("%s: %d buffers, %d for the first page without filters\n%s", describe(q), buffers, first, plan)
				}
			}
		}
	})
}

// An import writes its deltas to a private partition, which no listing reads.
func TestListingsDoNotSlowDownDuringAnImport(t *testing.T) {
	db := storetest.OpenDatabase(t, storetest.PostgreSQL(t))
	s := store.New(db, store.Parts{ImportLimits: importing.Limits{Batch: 1000, Cache: 1000, Reorder: 1000, Slots: 1000}})
	var entries []deployments.ImportEntry
	for i := range 20_000 {
		entries = append(entries, storetest.Entry(i+2, i, "eu", fmt.Sprint("app", i%50)))
	}
	storetest.Load(t, s, "acme", storetest.Entry(1, 0, "eu", "api"))
	query := deployments.Query{Page: deployments.Page{Size: 20}}
	before, _ := s.Buffers(t, storetest.Acme, query)
	during, written := int64(0), 0 // bytes
	_, err := s.Import(t.Context(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
		for i, e := range entries {
			if e.Line = i + 1; i == len(entries)-1 {
				during, _ = s.Buffers(t, storetest.Acme, query)
				storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1)
				if err := db.Pool.QueryRow("SELECT pg_relation_size('deployment_records')").Scan(&written); err != nil {
					t.Error(err)
				}
			}
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if written < 1<<20 {
		t.Errorf("%d bytes of records were written", written)
	}
	if during > before+20 {
		t.Errorf("%d buffers before the import, %d during it", before, during)
	}
	if got := storetest.Ask(t, s, storetest.Acme, query); got.Total != 51 {
		t.Errorf("the total is %d", got.Total)
	}
	if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 || found.Pending != 0 {
		t.Errorf("got %+v, %v", found, err)
	}
}

// Pages by a digest or a project version read few buffers once their artifact is counted.
func TestListingsOfACountedArtifactReadFewBuffers(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.PostgreSQL(t))
	var entries []deployments.ImportEntry
	for i := range 6000 {
		entries = append(entries, storetest.Entry(i+1, i, "eu", fmt.Sprint("app", i%50), storetest.WithDigest(i%2),
			storetest.WithProject("shop", fmt.Sprint("v", i%2)), storetest.WithStatus(deployments.Superseded)))
		entries[i].Record.Artifact.Name = "app"
	}
	storetest.Load(t, s, "acme", entries...)
	page := deployments.Page{Size: 20}
	first, _ := s.Buffers(t, storetest.Acme, deployments.Query{History: deployments.All, Page: page})
	for _, q := range []deployments.Query{{ArtifactDigest: storetest.Digest(1)}, {ProjectName: "shop", ProjectVersionName: "v0"}} {
		q.History, q.Page = deployments.All, page
		uncounted, _ := s.Buffers(t, storetest.Acme, q)
		storetest.Ask(t, s, storetest.Acme, q)
		if err := s.CountDemanded(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, q.Page.Number = range []int32{0, 75, 149} {
			buffers, plan := s.Buffers(t, storetest.Acme, q)
			t.Logf("%-60s %5d, %d for the first page before", describe(q), buffers, uncounted)
			if buffers > max(3*first, 150) {
				t.Errorf("%s: %d buffers, %d for the first page without filters\n%s", describe(q), buffers, first, plan)
			}
		}
	}
}
