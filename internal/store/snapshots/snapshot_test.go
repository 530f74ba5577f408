package snapshots_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func imageOf(deployment string) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: "eu", DeploymentName: deployment, Kind: deployments.ContainerImage, Digest: storetest.Digest(1), Status: deployments.Deployed,
	}
}

func mustRecord(t *testing.T, s deployments.Store, batch deployments.Batch) deployments.BatchResult {
	t.Helper()
	result, err := s.Record(t.Context(), "acme", batch)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// count returns the result of a query of one number.
func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestW8_PartsAreForgottenAfterADay(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		now := storetest.At(0)
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{Now: func() time.Time { return now }})
		db := storetest.OpenSQL(t, url)
		mustRecord(t, s, deployments.Batch{Items: []deployments.BatchItem{{Recording: imageOf("gone")}}, AutoCreate: true})
		part := func(id string, number, parts int) []int {
			p := storetest.Parts{ID: id, At: storetest.At(1)}
			return mustRecord(t, s, p.Part(number, parts)).MissingParts
		}
		for _, id := range []string{"s", "b", "c", "d", "e"} {
			part(id, 1, 0)
		}
		now = now.Add(24 * time.Hour)
		if missing := part("s", 3, 3); !slices.Equal(missing, []int{2}) {
			t.Errorf("after a day: parts %d are missing", missing)
		}
		now = now.Add(time.Microsecond)
		if missing := part("s", 3, 3); !slices.Equal(missing, []int{1, 2}) {
			t.Errorf("after more than a day: parts %d are missing", missing)
		}
		// Each part removes two expired snapshots.
		if got := count(t, db, "SELECT count(*) FROM snapshots"); got != 3 {
			t.Errorf("%d snapshots are stored", got)
		}
		part("f", 1, 0)
		if got := count(t, db, "SELECT count(*) FROM snapshots WHERE snapshot_id IN ('s', 'f')"); got != 2 || count(t, db, "SELECT count(*) FROM snapshots") != 2 {
			t.Errorf("%d of two snapshots are stored", got)
		}
		if got := count(t, db, "SELECT count(*) FROM snapshot_parts"); got != 2 {
			t.Errorf("%d parts are stored", got)
		}
		q := deployments.Query{Status: deployments.Deployed}
		if got := storetest.Ask(t, s, storetest.Acme, q).Total; got != 1 {
			t.Errorf("%d records are deployed: parts that are never finished decommission nothing", got)
		}
	})
}

// statements counts the statements of a GORM session and those that share its callbacks.
func statements(t *testing.T, db *gorm.DB) *int {
	t.Helper()
	n := new(int)
	add := func(*gorm.DB) { *n++ }
	c := db.Callback()
	for _, err := range []error{
		c.Create().After("gorm:create").Register("test:create", add), c.Query().After("gorm:query").Register("test:query", add),
		c.Update().After("gorm:update").Register("test:update", add), c.Delete().After("gorm:delete").Register("test:delete", add),
		c.Row().After("gorm:row").Register("test:row", add), c.Raw().After("gorm:raw").Register("test:raw", add),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A snapshot of parts may have any number of identities: what they name is one row a part, and the final part compares sets.
func TestW8_TheFinalPartTakesTheSameStatementsForAnyNumberOfIdentities(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		open := storetest.OpenDatabase(t, url)
		executed := statements(t, open.WithContext(t.Context()))
		s, db := store.New(open, store.Parts{}), storetest.OpenSQL(t, url)
		var taken []int
		for _, size := range []int{1, 1200} {
			var running []deployments.ImportEntry
			for i := range 2*size + 1 {
				running = append(running, storetest.Entry(size*10_000+i, 0, "eu", fmt.Sprint("x", size, "-", i)))
			}
			storetest.Load(t, s, "acme", running...)
			p := storetest.Parts{ID: fmt.Sprint(size), At: time.Now(), Scope: deployments.SnapshotScope{DeploymentNamePrefix: fmt.Sprint("x", size, "-")}}
			for number := 1; number <= 2; number++ {
				var named []deployments.Recording
				for i := range size {
					named = append(named, imageOf(fmt.Sprint("x", size, "-", (number-1)*size+i)))
				}
				mustRecord(t, s, p.Part(number, 0, named...))
			}
			if got := count(t, db, "SELECT count(*) FROM snapshot_parts WHERE snapshot_id = '"+p.ID+"'"); got != 2 {
				t.Errorf("two parts have %d rows", got)
			}
			*executed = 0
			if got := mustRecord(t, s, p.Part(3, 3)); got.Decommissioned != 1 {
				t.Errorf("%d identities: got %+v", 2*size, got)
			}
			taken = append(taken, *executed)
		}
		if taken[0] != taken[1] || taken[0] == 0 {
			t.Errorf("the final part takes %d statements", taken)
		}
		// Complete snapshots keep no names.
		if got := count(t, db, "SELECT count(*) FROM snapshot_parts WHERE named <> '[]'"); got != 0 {
			t.Errorf("%d parts keep what they named", got)
		}
	})
}
