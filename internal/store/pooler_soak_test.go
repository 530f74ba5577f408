//go:build soak

package store_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// PgBouncer lends each store a session for one transaction.
func TestSuiteBehindAPooler(t *testing.T) {
	t.Parallel()
	pooler := pgtest.NewPooler(t)
	storetest.Run(t, func(t testing.TB) deployments.Store {
		s, err := store.Open(store.Options{URL: pooler.URL(t, storetest.Engines[0].Migrated(t)), PerTransaction: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
