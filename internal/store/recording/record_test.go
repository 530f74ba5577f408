package recording_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func recordingAt(slot string, digest int) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: "eu", DeploymentName: slot, Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
	}
}

func TestIdempotencyKeysExpireAfterADay(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		now := storetest.At(0)
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{Now: func() time.Time { return now }})
		once := func(key string, digest int) (deployments.Record, error) {
			r := recordingAt("api", digest)
			return s.RecordIdempotent(context.Background(), "acme",
				deployments.IdempotencyKey{Subject: "ci", Key: key, Request: sha256.Sum256(fmt.Append(nil, r))}, r, true)
		}
		must := func(r deployments.Record, err error) deployments.Record {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		first := must(once("k", 1))
		now = now.Add(24 * time.Hour)
		if again := must(once("k", 1)); again.ID != first.ID || !again.LastSeenAt.Equal(first.LastSeenAt) {
			t.Errorf("after a day: got %+v", again)
		}
		if _, err := once("k", 2); !errors.Is(err, deployments.ErrKeyReused) {
			t.Errorf("another request after a day: got %v", err)
		}
		for i := range 35 {
			must(once(fmt.Sprint("other", i), 1))
		}
		now = now.Add(time.Microsecond)
		second := must(once("k", 2))
		if second.ID == first.ID {
			t.Error("the key is valid after more than a day")
		}
		if again := must(once("k", 2)); again.ID != second.ID {
			t.Error("the key is not valid again")
		}
		// The other keys expire a day later, and new ones remove them.
		now = now.Add(25 * time.Hour)
		for i := range 4 {
			must(once(fmt.Sprint("new", i), 2))
		}
		var kept int
		if err := storetest.OpenSQL(t, url).QueryRow("SELECT count(*) FROM idempotency_keys").Scan(&kept); err != nil || kept != 4 {
			t.Errorf("%d keys are stored, %v", kept, err)
		}
		requireCount(t, s, 2)
	})
}

// requireCount fails the test unless there are so many records.
func requireCount(t *testing.T, s deployments.Store, want int64) {
	t.Helper()
	if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Total; got != want {
		t.Errorf("%d records, want %d", got, want)
	}
}

func TestW6_ClockBehindTheSlotDoesNotReorderIt(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		storetest.Load(t, s, "acme", storetest.Entry(1, 60*24*300, "eu", "api")) // by a clock that is far ahead
		result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("api", 2)}}, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		ahead := storetest.At(60 * 24 * 300)
		if got := result.Items[0].Record.CreatedAt; time.Now().Before(ahead) && !got.Equal(ahead.Add(time.Microsecond)) {
			t.Errorf("created at %v, the record before it at %v", got, ahead)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Records; len(got) != 1 || got[0].ID != result.Items[0].Record.ID {
			t.Errorf("the latest is %+v", got)
		}
	})
}

func TestW6_DatabaseClockDecides(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		before := time.Now().Add(-time.Second)
		result, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt("api", 1)}}, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		created := result.Items[0].Record.CreatedAt
		if created.Before(before) || created.After(time.Now().Add(time.Second)) || created.Location() != time.UTC || created.Nanosecond()%1000 != 0 {
			t.Errorf("created at %v", created)
		}
	})
}
