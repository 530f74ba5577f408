package idempotency_test

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

func TestIdempotencyKeysExpireAfterADay(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		now := storetest.At(0)
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{Now: func() time.Time { return now }})
		once := func(key string, digest int) (deployments.Record, error) {
			r := deployments.Recording{
				EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
			}
			return s.RecordIdempotent(context.Background(), "acme",
				deployments.IdempotencyKey{Subject: "ci", Key: key, Request: sha256.Sum256(fmt.Append(nil, r))},
				deployments.Batch{Items: []deployments.BatchItem{{Recording: r}}, AutoCreate: true})
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
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Total; got != 2 {
			t.Errorf("%d records, want 2", got)
		}
	})
}
