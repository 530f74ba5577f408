package store_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) deployments.Store { return storetest.Open(t, engine.Migrated(t)) })
		})
	}
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) deployments.Store { return storetest.OpenMemory(t, store.MemoryOptions{}) })
	})
}
