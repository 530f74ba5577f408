package idempotency_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/idempotency"
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
		// The other keys expire a day later.
		now = now.Add(25 * time.Hour)
		must(once("new", 2))
		if removed, err := s.RemoveExpiredKeys(t.Context()); err != nil || removed != 36 {
			t.Errorf("removed %d keys, %v", removed, err)
		}
		var kept int
		if err := storetest.OpenSQL(t, url).QueryRow("SELECT count(*) FROM idempotency_keys").Scan(&kept); err != nil || kept != 1 {
			t.Errorf("%d keys are stored, %v", kept, err)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Total; got != 2 {
			t.Errorf("%d records, want 2", got)
		}
	})
}

// Many keys have expired. They are removed in transactions that each take a bounded number, and the valid ones stay.
func TestManyExpiredKeysAreRemovedInBoundedTransactions(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		s := store.New(db, store.Parts{})
		storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
		const expired, valid = 3*idempotency.MaxRemoved + 17, 5
		values := make([]string, 0, expired+valid)
		now, yesterday := "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP - interval '25 hours'"
		digest := `'\x%08x'`
		if db.Dialect == database.SQLite {
			now, yesterday, digest = "unixepoch() * 1000000", "(unixepoch() - 25 * 3600) * 1000000", "x'%08x'"
		}
		for i := range expired + valid {
			created := yesterday
			if i >= expired {
				created = now
			}
			values = append(values, fmt.Sprintf("(1, "+digest+", "+digest+", %s)", i, i, created))
		}
		insert := "INSERT INTO idempotency_keys (organization_id, key_digest, request, created_at) VALUES " + strings.Join(values, ", ")
		if _, err := db.Pool.ExecContext(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
		var deleted []int64
		err := db.WithContext(t.Context()).Callback().Delete().After("gorm:delete").Register("count", func(tx *gorm.DB) {
			deleted = append(deleted, tx.RowsAffected)
		})
		if err != nil {
			t.Fatal(err)
		}
		removed, err := s.RemoveExpiredKeys(t.Context())
		if want := []int64{idempotency.MaxRemoved, idempotency.MaxRemoved, idempotency.MaxRemoved, 17}; err != nil || removed != expired || !slices.Equal(deleted, want) {
			t.Errorf("removed %d in %v, %v, want %v", removed, deleted, err, want)
		}
		var kept int
		if err := db.Pool.QueryRowContext(t.Context(), "SELECT count(*) FROM idempotency_keys").Scan(&kept); err != nil || kept != valid {
			t.Errorf("%d keys are stored, %v", kept, err)
		}
		if removed, err := s.RemoveExpiredKeys(t.Context()); err != nil || removed != 0 {
			t.Errorf("then removed %d, %v", removed, err)
		}
	})
}

func TestW9_IdempotencyKeysBeyondTheQuotaAreRejected(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		now := storetest.At(0)
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{Quotas: store.Quotas{IdempotencyKeys: 3}, Now: func() time.Time { return now }})
		once := func(organization, key string) error {
			r := deployments.Recording{
				EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: storetest.Digest(1), Status: deployments.Deployed,
			}
			_, err := s.RecordIdempotent(t.Context(), organization, deployments.IdempotencyKey{Key: key},
				deployments.Batch{Items: []deployments.BatchItem{{Recording: r}}, AutoCreate: true})
			return err
		}
		accepted := func(organization, key string) {
			t.Helper()
			if err := once(organization, key); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		for i := range 3 {
			accepted("acme", fmt.Sprint("k", i))
		}
		want := "Idempotency-Key: exceeds the quota of idempotency keys: the organization has 3, and the limit is 3"
		var quota *deployments.QuotaError
		if err := once("acme", "k3"); !errors.As(err, &quota) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		accepted("acme", "k1")
		accepted("globex", "k3")
		now = now.Add(24*time.Hour + time.Microsecond) // expired keys do not count, whether or not they are removed
		for i := range 3 {
			accepted("acme", fmt.Sprint("k", i+2))
		}
		if err := once("acme", "k0"); !errors.As(err, &quota) {
			t.Errorf("an expired key: got %v", err)
		}
	})
}
