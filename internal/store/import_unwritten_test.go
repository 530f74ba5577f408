package store_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	. "github.com/deployrecords/deployrecords/internal/storetest"
)

// A page of a history reads a page or two of the table, and not as many as it has records, whatever the order of the file.
func TestNeighboursInTimeLieSideBySideInTheTable(t *testing.T) {
	const records, step = 12_000, 4999 // which have no common divisor: no two lines are neighbours
	url := pgtest.URL(t)
	s := Open(t, url)
	var entries []deployments.ImportEntry
	for i := range records {
		at := i * step % records
		entries = append(entries, Entry(at, at, "eu", fmt.Sprint("app", at%50)))
	}
	Load(t, s, "acme", entries...)
	var pages, changes int
	err := plain(t, url).QueryRow(`SELECT count(DISTINCT page), count(*) FILTER (WHERE page <> before)
FROM (SELECT page, lag(page) OVER (ORDER BY created_at, id) AS before
  FROM (SELECT created_at, id, (CAST(CAST(ctid AS text) AS point))[0] AS page FROM deployment_records) AS r) AS neighbours`).Scan(&pages, &changes)
	if err != nil {
		t.Fatal(err)
	}
	if pages < 100 || changes != pages-1 {
		t.Errorf("of %d records in %d pages, neighbours are in different ones %d times", records, pages, changes)
	}
}

// Where more records come than may wait, the oldest are written, and those that come late have their places still.
func TestTheOldestRecordsAreWrittenFirst(t *testing.T) {
	url := pgtest.URL(t)
	s := Open(t, url)
	s.SetImportLimits(100, 1000, 1000)
	var entries []deployments.ImportEntry
	for i := range 6000 {
		at := i/500*500 + i*77%500 // at most 500 lines from its place
		entries = append(entries, Entry(at, at, "eu", fmt.Sprint("app", at%50)))
	}
	Load(t, s, "acme", entries...)
	var late int
	err := plain(t, url).QueryRow(`SELECT count(*) FILTER (WHERE page < before)
FROM (SELECT page, lag(page) OVER (ORDER BY created_at, id) AS before
  FROM (SELECT created_at, id, (CAST(CAST(ctid AS text) AS point))[0] AS page FROM deployment_records) AS r) AS neighbours`).Scan(&late)
	if err != nil || late > 0 {
		t.Errorf("%d records lie before older ones, %v", late, err)
	}
}

// Lines of a record that waits to be written count as those of one that is (I3).
func TestI3_RecordsThatAreNotWrittenYetAreReplaced(t *testing.T) {
	OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		for i, unwritten := range []int{1, 2, 4, 100} { // written at once, soon, in parts, and at the end
			s.(*store.Store).SetImportLimits(1, 100, unwritten)
			id, first, second := 10*i, fmt.Sprint("first", i), fmt.Sprint("second", i)
			got := Load(t, s, "acme",
				Entry(id, 1, "eu", first, WithProject("web", "v1")),
				Entry(id+1, 2, "eu", first),
				Entry(id, 3, "eu", second, WithUpdate(4), WithDigest(7)),
				Entry(id+2, 5, "eu", first),
				Entry(id, 1, "eu", first, WithUpdate(3)), // older than what is known
				Entry(id+3, 6, "us", second, WithDigest(7), WithProject("shop", "v1")),
			)
			if got.Added != 4 || got.Changed != 1 || got.Unchanged != 1 {
				t.Errorf("%d wait: %+v", unwritten, got)
			}
			WantIDs(t, s, acme, deployments.Query{DeploymentName: first}, id+2)
			WantIDs(t, s, acme, deployments.Query{DeploymentName: second}, id+3, id)
			WantIDs(t, s, acme, deployments.Query{DeploymentName: first, History: deployments.All}, id+2, id+1)
			WantIDs(t, s, acme, deployments.Query{DeploymentName: second, ProjectName: "shop"}, id+3, id)
			verified(t, s)
		}
	})
}
