package store_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The stores answer random queries of random histories as the model does, record by record. There are few names, so that
// filters match, and some of them are equal to a careless database.

var (
	environments = []string{"prod", "Prod", "pr_d", "é", "e\u0301"}
	stages       = []string{"", "production", "staging"}
	slots        = []string{"api", "API", "a%", "web "}
	projects     = []string{"web", "shop", "Web"}
	versions     = []string{"v1", "v2"}
	digests      = []string{storetest.Digest(1), storetest.Digest(2), storetest.Digest(3)}
	statuses     = []deployments.Status{deployments.Deployed, deployments.Decommissioned, deployments.Superseded}
	kinds        = []deployments.Kind{deployments.ContainerImage, deployments.HelmChart}
)

// TestMain keeps the property tests short, unless -rapid.checks asks for more, as make soak does.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func entryOf(t *rapid.T, organization string) deployments.ImportEntry {
	pick := func(label string, of []string) string { return rapid.SampledFrom(of).Draw(t, label) }
	created := storetest.At(rapid.IntRange(0, 12).Draw(t, "minute")).Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "µs")) * time.Microsecond)
	later := func(label string) time.Time {
		return created.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, label)) * time.Microsecond)
	}
	e := deployments.ImportEntry{Record: deployments.Record{
		// Few ids, so that lines update stored records; of one organization, since ids are unique.
		ID:                     storetest.NameID(organization, "record", fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "id"))),
		EnvironmentName:        pick("environment", environments),
		LogicalEnvironmentName: pick("stage", stages),
		DeploymentName:         pick("slot", slots),
		Status:                 rapid.SampledFrom(statuses).Draw(t, "status"),
		Artifact: deployments.Artifact{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Name: pick("name", []string{"", "n"}), Version: "1", Digest: pick("digest", digests),
		},
		CreatedAt: created, UpdatedAt: later("updated"), LastSeenAt: later("seen"),
	}}
	for range rapid.IntRange(0, 2).Draw(t, "projects") {
		storetest.WithProject(pick("project", projects), pick("version", versions))(&e)
	}
	storetest.WithIDs(organization)(&e)
	return e
}

func queryOf(t *rapid.T) deployments.Query {
	// maybe draws a filter one time in three: with all filters at once, nothing would ever match.
	maybe := func(label string, of []string) string {
		if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
			return ""
		}
		return rapid.SampledFrom(of).Draw(t, label)
	}
	q := deployments.Query{
		History:                rapid.SampledFrom([]deployments.History{deployments.Latest, deployments.All}).Draw(t, "history"),
		EnvironmentName:        maybe("environment", append(environments, "%", "none")),
		LogicalEnvironmentName: maybe("stage", append(stages, "Production")),
		DeploymentName:         maybe("slot", append(slots, "web", "_pi")),
		ArtifactDigest:         maybe("digest", digests),
		ProjectName:            maybe("project", append(projects, "WEB")),
		Page: deployments.Page{
			Number: rapid.SampledFrom([]int32{0, 0, 0, 1, 2, 3, 7, math.MaxInt32}).Draw(t, "page"),
			Size:   rapid.SampledFrom([]int32{1, 2, 3, 5, 20, 100, math.MaxInt32}).Draw(t, "size"),
		},
	}
	if q.ProjectName != "" {
		q.ProjectVersionName = maybe("version", versions)
	}
	if rapid.IntRange(0, 2).Draw(t, "status?") == 0 {
		q.Status = rapid.SampledFrom(statuses).Draw(t, "status")
	}
	if rapid.IntRange(0, 2).Draw(t, "kind?") == 0 {
		q.ArtifactKind = rapid.SampledFrom(kinds).Draw(t, "kind")
	}
	return q
}

func TestPropertyListingMatchesTheModel(t *testing.T) {
	racetest.Skip(t)
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		round := 0
		rapid.Check(t, func(t *rapid.T) {
			round++                                               // each round has its own organizations in the database
			s := store.New(db, store.Parts{MilestoneInterval: 2}) // so that short lists have milestones
			model := storetest.NewModel()
			organizations := []string{fmt.Sprint("one", round), fmt.Sprint("two", round)}
			for _, organization := range organizations {
				for range rapid.IntRange(0, 3).Draw(t, "files") {
					var file []deployments.ImportEntry
					for range rapid.IntRange(0, 40).Draw(t, "lines") {
						file = append(file, entryOf(t, organization))
					}
					some := func(what string) int { return rapid.SampledFrom([]int{1, 3, 4, 100}).Draw(t, what) }
					s := store.New(db, store.Parts{MilestoneInterval: 2, ImportLimits: importing.Limits{
						Batch: some("batch"), Cache: some("cache"), Reorder: some("reorder"), Slots: some("slots"),
					}})
					want, _ := model.Import(context.Background(), organization, storetest.Entries(file...))
					got, err := s.Import(context.Background(), organization, storetest.Entries(file...))
					if err != nil || got != want {
						t.Fatalf("import: got %+v and %v, want %+v", got, err, want)
					}
					if rapid.Bool().Draw(t, "count artifacts") {
						countArtifacts(t, s, organization)
					}
				}
			}
			for _, organization := range organizations[:1-min(1, round%6)] { // every sixth round, because counting one by one is slow
				storetest.RequireExactCounts(t, s, db.Pool, organization)
			}
			s = store.New(db, store.Parts{MilestoneInterval: 2, NameCacheSize: rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "names")})
			for range 25 {
				scope := deployments.Scope{Organization: rapid.SampledFrom(append(organizations, "none")).Draw(t, "organization")}
				if rapid.IntRange(0, 4).Draw(t, "limited?") == 0 {
					scope.Project = rapid.SampledFrom(projects).Draw(t, "limited to")
				}
				q := queryOf(t)
				want, _ := model.List(context.Background(), scope, q)
				got, err := s.List(context.Background(), scope, q)
				if err != nil {
					t.Fatalf("%+v %+v: %v", scope, q, err)
				}
				if got.Total != want.Total || !slices.Equal(got.Records, want.Records) {
					t.Fatalf("%+v %+v:\ngot  %s\nwant %s", scope, q, show(got), show(want))
				}
				requireSameOverview(t, s, model, scope, q)
			}
		})
	})
}

// countArtifacts lets a listing by a digest or a project version have its artifacts counted.
func countArtifacts(t *rapid.T, s *store.Store, organization string) {
	q := deployments.Query{History: deployments.All, Page: deployments.Page{Size: 1}, ArtifactDigest: rapid.SampledFrom(digests).Draw(t, "counted digest")}
	if rapid.Bool().Draw(t, "count a version") {
		q.ArtifactDigest = ""
		q.ProjectName, q.ProjectVersionName = rapid.SampledFrom(projects).Draw(t, "counted project"), rapid.SampledFrom(versions).Draw(t, "counted version")
	}
	if _, err := s.List(context.Background(), deployments.Scope{Organization: organization}, q); err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	if err := s.CountDemanded(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// requireSameOverview compares an overview of the query, and a search.
func requireSameOverview(t *rapid.T, s, model deployments.Store, scope deployments.Scope, q deployments.Query) {
	grouping := rapid.SampledFrom([]deployments.Grouping{deployments.ByLogicalEnvironment, deployments.ByEnvironment}).Draw(t, "grouping")
	columns := deployments.Columns{Grouping: grouping, Page: deployments.Page{
		Number: rapid.SampledFrom([]int32{0, 0, 1, 5}).Draw(t, "page of columns"), Size: rapid.SampledFrom([]int32{1, 2, 200}).Draw(t, "columns"),
	}}
	want, _ := model.Overview(context.Background(), scope, q, columns)
	got, err := s.Overview(context.Background(), scope, q, columns)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Fatalf("overview %+v %+v %+v: %v\ngot  %+v\nwant %+v", scope, q, columns, err, got, want)
	}
	prefix := rapid.SampledFrom([]string{"p", "pr_", "e", "é", "a", "a%", "n", "1", "sha256:", "sha256:0000", "000", "%", "x"}).Draw(t, "prefix")
	matches, _ := model.Search(context.Background(), scope, prefix)
	found, err := s.Search(context.Background(), scope, prefix)
	if err != nil || fmt.Sprintf("%+v", found) != fmt.Sprintf("%+v", matches) {
		t.Fatalf("search %+v %q: %v\ngot  %+v\nwant %+v", scope, prefix, err, found, matches)
	}
}

func show(r deployments.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records", r.Total)
	for _, record := range r.Records {
		fmt.Fprintf(&b, "\n  %+v", record)
	}
	return b.String()
}
