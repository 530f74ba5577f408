package importing_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A page of a history reads one or two pages of the table, not one for each record, whatever the order of the file.
func TestNeighboursInTimeAreNeighboursInTheTable(t *testing.T) {
	t.Parallel()
	const records, step = 12_000, 4999 // without a common divisor, so that no two lines are neighbours
	url := storetest.PostgreSQL(t)
	s := storetest.Open(t, url)
	var entries []deployments.ImportEntry
	for i := range records {
		at := i * step % records
		entries = append(entries, storetest.Entry(at, at, "eu", fmt.Sprint("app", at%50)))
	}
	storetest.Load(t, s, "acme", entries...)
	var pages, changes int
	err := storetest.OpenSQL(t, url).QueryRow(`SELECT count(DISTINCT page), count(*) FILTER (WHERE page <> before)
FROM (SELECT page, lag(page) OVER (ORDER BY created_at, id) AS before
  FROM (SELECT created_at, id, (CAST(CAST(ctid AS text) AS point))[0] AS page FROM deployment_records) AS r) AS neighbours`).Scan(&pages, &changes)
	if err != nil {
		t.Fatal(err)
	}
	if pages < 100 || changes != pages-1 {
		t.Errorf("of %d records in %d pages, neighbours are in different ones %d times", records, pages, changes)
	}
}

// When the buffer is full, the oldest records are written, and late records still find their positions.
func TestReorderBufferFlushesOldestFirst(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := withLimits(storetest.OpenDatabase(t, url), importing.Limits{Batch: 100, Cache: 1000, Reorder: 1000, Slots: 1000})
	var entries []deployments.ImportEntry
	for i := range 6000 {
		at := i/500*500 + i*77%500 // at most 500 lines from its place
		entries = append(entries, storetest.Entry(at, at, "eu", fmt.Sprint("app", at%50)))
	}
	storetest.Load(t, s, "acme", entries...)
	var late int
	err := storetest.OpenSQL(t, url).QueryRow(`SELECT count(*) FILTER (WHERE page < before)
FROM (SELECT page, lag(page) OVER (ORDER BY created_at, id) AS before
  FROM (SELECT created_at, id, (CAST(CAST(ctid AS text) AS point))[0] AS page FROM deployment_records) AS r) AS neighbours`).Scan(&late)
	if err != nil || late > 0 {
		t.Errorf("%d records are before older ones, %v", late, err)
	}
}

// A line replaces a record in the buffer as it replaces a stored one (I3).
func TestI3_BufferedRecordsAreReplaced(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		for i, reorder := range []int{1, 2, 4, 100} { // flushed at once, soon, in parts, and at the end
			s := withLimits(db, importing.Limits{Batch: 1, Cache: 100, Reorder: reorder, Slots: 100})
			id, first, second := 10*i, fmt.Sprint("first", i), fmt.Sprint("second", i)
			got := storetest.Load(t, s, "acme",
				storetest.Entry(id, 1, "eu", first, storetest.WithProject("web", "v1")),
				storetest.Entry(id+1, 2, "eu", first),
				storetest.Entry(id, 3, "eu", second, storetest.WithUpdate(4), storetest.WithDigest(7)),
				storetest.Entry(id+2, 5, "eu", first),
				storetest.Entry(id, 1, "eu", first, storetest.WithUpdate(3)), // older than the stored update
				storetest.Entry(id+3, 6, "us", second, storetest.WithDigest(7), storetest.WithProject("shop", "v1")),
			)
			if got.Added != 4 || got.Changed != 1 || got.Unchanged != 1 {
				t.Errorf("a buffer of %d: %+v", reorder, got)
			}
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: first}, id+2)
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: second}, id+3, id)
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: first, History: deployments.All}, id+2, id+1)
			storetest.WantIDs(t, s, storetest.Acme, deployments.Query{DeploymentName: second, ProjectName: "shop"}, id+3, id)
			storetest.RequireVerified(t, s, "acme")
		}
	})
}
