package audit_test

import (
	"fmt"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestRepairWaitsForAnImport(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := store.New(storetest.OpenDatabase(t, url), store.Parts{ImportLimits: importing.Limits{Batch: 2, Cache: 100, Reorder: 1, Slots: 100}})
	storetest.Load(t, s, "acme", storetest.Entry(1, 0, "eu", "api"))
	db := storetest.OpenSQL(t, url)
	if _, err := db.Exec("UPDATE list_totals SET n = n + 7"); err != nil {
		t.Fatal(err)
	}
	repaired := make(chan error, 1)
	_, err := s.Import(t.Context(), "acme", func(yield func(deployments.ImportEntry, error) bool) {
		for i := range 10 {
			if i == 5 {
				go func() { repaired <- s.Repair(t.Context(), "acme") }()
				storetest.WaitForLocks(t, db, 1)
			}
			e := storetest.Entry(i+2, i, "eu", fmt.Sprint("app", i%3))
			e.Line = i + 1
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-repaired; err != nil {
		t.Fatal(err)
	}
	storetest.RequireVerified(t, s, "acme")
	if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}); got.Total != 11 {
		t.Errorf("got %d records", got.Total)
	}
}
