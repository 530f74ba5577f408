package namecache_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Records have their own names, cached or not, and whichever server has created them.
func TestRecordsHaveTheirOwnNames(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s, other := store.New(storetest.OpenDatabase(t, url), store.Parts{NameCacheSize: 2}), storetest.Open(t, url)
		for round := range 3 {
			var entries []deployments.ImportEntry
			for i := range 5 {
				n := 5*round + i
				entries = append(entries, storetest.Entry(n, n, fmt.Sprint("environment", n), "api", storetest.WithStage(fmt.Sprint("stage", n%3))))
			}
			storetest.Load(t, other, "acme", entries...)
			for _, reader := range []*store.Store{s, other, s} {
				got := storetest.Ask(t, reader, storetest.Acme, deployments.Query{History: deployments.All, Page: deployments.Page{Size: 100}})
				if len(got.Records) != 5*round+5 {
					t.Fatalf("%d records", len(got.Records))
				}
				for i, r := range got.Records {
					n := 5*round + 4 - i
					if r.EnvironmentName != fmt.Sprint("environment", n) || r.LogicalEnvironmentName != fmt.Sprint("stage", n%3) || r.Artifact != storetest.Entry(n, n, "", "api").Record.Artifact {
						t.Errorf("record %d: %+v", n, r)
					}
				}
			}
		}
	})
}

// A record that refers to another organization's environment, which no writer stores, does not show its name, even if the
// name is cached.
func TestNamesOfAnotherOrganizationAreNotFound(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
		storetest.Load(t, s, "other", storetest.Entry(2, 2, "their secret", "web"))
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{}, 1)
		storetest.WantIDs(t, s, deployments.Scope{Organization: "other"}, deployments.Query{}, 2)
		db := storetest.OpenSQL(t, url)
		for _, table := range []string{"deployment_records", "current_slots"} {
			if _, err := db.Exec("UPDATE " + table + " SET environment_id = (SELECT id FROM environments WHERE name = 'their secret') WHERE deployment_name = 'api'"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.List(t.Context(), storetest.Acme, deployments.Query{Page: deployments.Page{Size: 10}})
		if err == nil || len(got.Records) > 0 || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
