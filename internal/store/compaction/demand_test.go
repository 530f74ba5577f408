package compaction_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// countedArtifacts returns the number of artifacts with a counter, and of the records that these count.
func countedArtifacts(t *testing.T, db *sql.DB) (artifacts, records int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*), coalesce(sum(n), 0) FROM counted_artifacts").Scan(&artifacts, &records); err != nil {
		t.Fatal(err)
	}
	return artifacts, records
}

// requireEveryPage compares each page by a digest and by a project version with the model's.
func requireEveryPage(t *testing.T, s, model deployments.Store, queries []deployments.Query) {
	t.Helper()
	for _, q := range queries {
		q.History = deployments.All
		for q.Page = (deployments.Page{Size: 3}); ; q.Page.Number++ {
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

// A long listing by a digest or a project version has its artifacts counted. Pages and totals are the same before and after, and while
// deltas are pending.
func TestArtifactsAreCountedOnDemand(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 4})
		model, db := storetest.NewModel(), storetest.OpenSQL(t, url)
		load := func(from, to int, digest func(n int) int) {
			var entries []deployments.ImportEntry
			for n := from; n < to; n++ {
				e := storetest.Entry(n, n, "eu", "api", storetest.WithDigest(digest(n)), storetest.WithStatus(deployments.Superseded))
				if digest(n) > 0 {
					storetest.WithProject("shop", "v1")(&e)
				}
				entries = append(entries, e)
			}
			storetest.Load(t, s, "acme", entries...)
			storetest.Load(t, model, "acme", entries...)
		}
		load(0, 80, func(n int) int { return min(n%8, 2) }) // 10 of digest 0, 10 of 1, 60 of 2
		queries := []deployments.Query{
			{ArtifactDigest: storetest.Digest(0)},
			{ArtifactDigest: storetest.Digest(1)},
			{ArtifactDigest: storetest.Digest(2)},
			{ProjectName: "shop", ProjectVersionName: "v1"},
		}
		want := func(artifacts, records int) {
			t.Helper()
			if err := s.CountDemanded(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a, r := countedArtifacts(t, db); a != artifacts || r != records {
				t.Fatalf("%d artifacts with %d records are counted, want %d with %d", a, r, artifacts, records)
			}
		}
		want(0, 0)
		storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(2)})
		want(1, 60)
		requireEveryPage(t, s, model, queries)
		want(3, 80)
		requireEveryPage(t, s, model, queries)

		load(100, 130, func(n int) int { return n % 3 })
		requireEveryPage(t, s, model, queries)
		for n := range 9 {
			if err := storetest.RecordImage(s, n%3, "us", fmt.Sprint("app", n)); err != nil {
				t.Fatal(err)
			}
		}
		pending := func(digest int) int64 {
			return storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(digest)}).Total
		}
		before := []int64{pending(0), pending(1), pending(2)}
		if want := []int64{23, 23, 73}; !slices.Equal(before, want) { // 10 and 10 and 60, 10 each, and 3 each
			t.Errorf("the totals are %v, want %v", before, want)
		}
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := []int64{pending(0), pending(1), pending(2)}; !slices.Equal(before, after) {
			t.Errorf("the totals are %v, and %v after a compaction", before, after)
		}
		storetest.RequireExactCounts(t, s, db, "acme")
	})
}

// A later state of a record may have another artifact.
func TestACountedArtifactLosesARecord(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
		model, db := storetest.NewModel(), storetest.OpenSQL(t, url)
		queries := []deployments.Query{{ArtifactDigest: storetest.Digest(1)}, {ArtifactDigest: storetest.Digest(2)}}
		for digest := 1; digest < 3; digest++ { // the second time, every third record moves to the other artifact
			var entries []deployments.ImportEntry
			for n := range 30 {
				if digest == 2 && n%3 > 0 {
					continue
				}
				entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithDigest(digest), storetest.WithStatus(deployments.Superseded),
					storetest.WithUpdate(100*digest)))
			}
			storetest.Load(t, s, "acme", entries...)
			storetest.Load(t, model, "acme", entries...)
			requireEveryPage(t, s, model, queries)
			if err := s.CountDemanded(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		requireEveryPage(t, s, model, queries)
		if artifacts, records := countedArtifacts(t, db); artifacts != 2 || records != 30 {
			t.Errorf("%d artifacts with %d records are counted", artifacts, records)
		}
		storetest.RequireExactCounts(t, s, db, "acme")
	})
}

// Short listings are not counted, and no organization has those of another counted.
func TestOnlyLongListingsOfTheOrganizationAreCounted(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 4})
		var few, many []deployments.ImportEntry
		for n := range 9 {
			if n < 8 {
				few = append(few, storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
			}
			many = append(many, storetest.Entry(100+n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
		}
		storetest.Load(t, s, "acme", few...)
		storetest.Load(t, s, "other", many...)
		for i, organization := range []string{"acme", "other"} {
			want := 9 * i
			storetest.Ask(t, s, deployments.Scope{Organization: organization}, deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1)})
			if err := s.CountDemanded(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, records := countedArtifacts(t, storetest.OpenSQL(t, url)); records != want {
				t.Errorf("after a listing of %s, %d records are counted, want %d", organization, records, want)
			}
		}
	})
}

// While another transaction has the organization's lock, its artifacts wait for the next call.
func TestCountingWaitsForTheLock(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
	var entries []deployments.ImportEntry
	for n := range 9 {
		entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithStatus(deployments.Superseded)))
	}
	storetest.Load(t, s, "acme", entries...)
	storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1)})
	db := storetest.OpenSQL(t, url)
	holder := storetest.Begin(t, db, "SELECT pg_advisory_xact_lock(hashtextextended('deployrecords: counts', id)) FROM organizations")
	for _, want := range []int{0, 9} {
		if err := s.CountDemanded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, records := countedArtifacts(t, db); records != want {
			t.Errorf("%d records are counted, want %d", records, want)
		}
		if want == 0 {
			if err := holder.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A writer that has not committed is in neither the records nor the deltas that are counted, and then in both.
func TestArtifactsAreCountedBesideAWriter(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := store.New(storetest.OpenDatabase(t, url), store.Parts{MilestoneInterval: 2})
	var entries []deployments.ImportEntry
	for n := range 30 {
		entries = append(entries, storetest.Entry(n, n, "eu", "api", storetest.WithDigest(1), storetest.WithStatus(deployments.Superseded)))
	}
	storetest.Load(t, s, "acme", append(entries, storetest.Entry(40, 40, "eu", "api", storetest.WithDigest(2)))...)
	byDigest := deployments.Query{History: deployments.All, ArtifactDigest: storetest.Digest(1)}
	storetest.Ask(t, s, storetest.Acme, byDigest)
	db := storetest.OpenSQL(t, url)
	const first, second = "(SELECT id FROM artifacts WHERE digest LIKE '%1')", "(SELECT id FROM artifacts WHERE digest LIKE '%2')"
	writer := storetest.Begin(t, db,
		"UPDATE deployment_records SET artifact_id = "+second+" WHERE created_at = (SELECT min(created_at) FROM deployment_records)",
		"UPDATE deployment_records SET artifact_id = "+first+", status = 3 WHERE artifact_id = "+second+" AND created_at = (SELECT max(created_at) FROM deployment_records)",
		"UPDATE deployment_records SET status = 2 WHERE status = 3 AND artifact_id = "+first)
	if err := s.CountDemanded(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, records := countedArtifacts(t, db); records != 30 {
		t.Fatalf("%d records are counted", records)
	}
	if err := writer.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // deltas are pending, and compacted
		for q := byDigest; q.Page.Number < 5; q.Page.Number++ {
			q.Page.Size = 7
			if got := storetest.Ask(t, s, storetest.Acme, q); got.Total != 30 || len(got.Records) != min(7, 30-7*int(q.Page.Number)) {
				t.Errorf("page %d has %d of %d records", q.Page.Number, len(got.Records), got.Total)
			}
		}
		if _, err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, records := countedArtifacts(t, db); records != 30 {
		t.Errorf("%d records are counted", records)
	}
}
