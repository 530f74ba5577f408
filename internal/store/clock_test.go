package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The clocks of servers and of machines that import differ; all of them compare with that of the database.
func TestI1_TheClockOfImportsIsTheDatabases(t *testing.T) {
	entry := storetest.Entry(1, 0, "eu", "api")
	entry.Record.LastSeenAt = time.Now().UTC().Truncate(time.Microsecond).Add(-30 * time.Minute)
	line, err := importer.AppendLine(nil, entry)
	if err != nil {
		t.Fatal(err)
	}
	load := func(t *testing.T, s *store.Store) error {
		t.Helper()
		clock, err := s.Clock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Import(t.Context(), "acme", importer.Entries(strings.NewReader(string(line)), clock))
		return err
	}
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		if err := load(t, storetest.Open(t, url)); err != nil {
			t.Error(err)
		}
		if engine.Name != "PostgreSQL" {
			return // SQLite has the clock of this process
		}
		for _, statement := range []string{
			"CREATE SCHEMA slow",
			"CREATE FUNCTION slow.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() - interval '1 hour' $$",
			"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = slow, pg_catalog, public', current_database()); END $$",
		} {
			if _, err := storetest.OpenSQL(t, url).Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		s := storetest.Open(t, url)
		if err := load(t, s); err == nil || !strings.Contains(err.Error(), "line 1: last_seen_at: ") || !strings.Contains(err.Error(), " is more than a minute ahead of the clock, ") {
			t.Errorf("got %v", err)
		}
		if found, err := s.Verify(t.Context(), "acme"); err != nil || found.Ahead != 1 {
			t.Errorf("verify: %+v, %v", found, err)
		}
	})
	t.Run("Memory", func(t *testing.T) {
		if err := load(t, storetest.OpenMemory(t, store.MemoryOptions{})); err != nil {
			t.Error(err)
		}
		s := storetest.OpenMemory(t, store.MemoryOptions{Now: func() time.Time { return storetest.At(10) }})
		if err := load(t, s); err == nil || !strings.Contains(err.Error(), " is more than a minute ahead of the clock, 2026-03-01T12:10:00Z") {
			t.Errorf("got %v", err)
		}
		storetest.WantIDs(t, s, storetest.Acme, deployments.Query{})
	})
}
