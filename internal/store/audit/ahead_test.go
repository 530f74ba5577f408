package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestI1_VerifyNamesRecordsAheadAndRepairLowersThem(t *testing.T) {
	far := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	soon := time.Now().UTC().Truncate(time.Microsecond).Add(30 * time.Second)
	later := soon.Add(time.Hour)
	entry := func(id int, created, updated, seen time.Time) deployments.ImportEntry {
		e := storetest.Entry(id, id, "eu", "api", storetest.WithStatus(deployments.Superseded))
		e.Record.CreatedAt, e.Record.UpdatedAt, e.Record.LastSeenAt = created, updated, seen
		return e
	}
	old := storetest.At(0)
	storetest.OnEachEngine(t, func(t *testing.T, opened deployments.Store) {
		s := opened.(*store.Store)
		storetest.Load(t, s, "acme",
			entry(1, old, old, old),
			entry(2, old, soon, soon), // less than a minute ahead
			entry(3, old, old, far),
			entry(4, old, far, soon),
			entry(5, old, far, far),
			entry(6, later, later, later), // only created_at can be blamed
			entry(7, later, later, far))
		storetest.Load(t, s, "other", storetest.Entry(8, 8, "us", "api", func(e *deployments.ImportEntry) { e.Record.LastSeenAt = far }))
		found, err := s.Verify(t.Context(), "acme")
		if err != nil || found.Found != 4 || found.Ahead != 4 || found.Noticed != 2 {
			t.Fatalf("got %+v, %v", found, err)
		}
		for i, want := range []string{
			"the record " + storetest.ID(3) + " has last_seen_at 9999-12-31T23:59:59.999999Z, ahead of the clock, ",
			"the record " + storetest.ID(4) + " has updated_at 9999-12-31T23:59:59.999999Z, ahead of the clock, ",
			"the record " + storetest.ID(5) + " has updated_at 9999-12-31T23:59:59.999999Z and last_seen_at 9999-12-31T23:59:59.999999Z, ahead of the clock, ",
			"the record " + storetest.ID(7) + " has last_seen_at 9999-12-31T23:59:59.999999Z, ahead of the clock, ",
		} {
			if !strings.HasPrefix(found.Faults[i], want) {
				t.Errorf("got %s, want %s", found.Faults[i], want)
			}
		}
		for i, id := range []int{6, 7} {
			if !strings.HasPrefix(found.Notices[i], "the record "+storetest.ID(id)+" has created_at "+later.Format(time.RFC3339Nano)) {
				t.Errorf("got %s", found.Notices[i])
			}
		}

		before := time.Now().Add(-time.Second)
		if err := s.Repair(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		after := time.Now().Add(time.Second)
		if found, err = s.Verify(t.Context(), "acme"); err != nil || found.Found != 0 || found.Noticed != 2 {
			t.Errorf("after: %+v, %v", found, err)
		}
		isNow := func(got time.Time) bool { return got.After(before) && got.Before(after) }
		same := func(want time.Time) func(time.Time) bool { return want.Equal }
		for _, record := range storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Records {
			want := map[string]struct {
				created       time.Time
				updated, seen func(time.Time) bool
			}{
				storetest.ID(1): {old, same(old), same(old)},
				storetest.ID(2): {old, same(soon), same(soon)},
				storetest.ID(3): {old, same(old), isNow},
				storetest.ID(4): {old, isNow, same(soon)},
				storetest.ID(5): {old, isNow, isNow},
				storetest.ID(6): {later, same(later), same(later)},
				storetest.ID(7): {later, same(later), same(later)},
			}[record.ID]
			if !record.CreatedAt.Equal(want.created) || !want.updated(record.UpdatedAt) || !want.seen(record.LastSeenAt) {
				t.Errorf("repaired: %+v", record)
			}
		}
		if other, err := s.Verify(t.Context(), "other"); err != nil || other.Ahead != 1 {
			t.Errorf("the other organization: %+v, %v", other, err)
		}
	})
}
