package listing_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestMaxConcurrentListsIsAtMostMaxConnections(t *testing.T) {
	s, err := store.Open(store.Options{URL: pgtest.URL(t), MaxConnections: 3, MaxConcurrentLists: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := s.Shares().Listings; n != 3 {
		t.Errorf("got %d, want 3", n)
	}
}

func TestNoMoreThanMaxConcurrentListsRunAtOnce(t *testing.T) {
	url := storetest.PostgreSQL(t)
	storetest.Load(t, storetest.Open(t, url), "acme", storetest.Entry(1, 0, "eu", "api"))
	db := storetest.OpenSQL(t, url)
	s, err := store.Open(store.Options{URL: url, MaxConcurrentLists: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := storetest.Begin(t, db, "LOCK TABLE list_totals IN ACCESS EXCLUSIVE MODE")
	totals := make(chan int64, 5)
	for range 5 {
		go func() {
			got, err := s.List(context.Background(), storetest.Acme, deployments.Query{Page: deployments.Page{Size: 20}})
			if err != nil {
				t.Error(err)
			}
			totals <- got.Total
		}()
	}
	storetest.WaitForLocks(t, db, 2)
	time.Sleep(100 * time.Millisecond) // for others to start if they could
	storetest.WaitForLocks(t, db, 2)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if total := <-totals; total != 1 {
			t.Errorf("the total is %d", total)
		}
	}
}

// Listings that count their records take long, and listings with precomputed totals do not wait behind them.
func TestEachClassOfListingsHasItsOwnGate(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		storetest.Load(t, storetest.Open(t, url), "acme", storetest.Entry(1, 0, "eu", "api"))
		cheap := admission.NewGate(admission.Options{Places: 1})
		counted := admission.NewGate(admission.Options{Places: 1, MaxWait: 20 * time.Millisecond})
		l := listing.New(storetest.OpenDatabase(t, url), listing.Options{Gate: cheap, CountedGate: counted})
		hold := func(g *admission.Gate) (release func()) {
			release, err := g.Acquire(t.Context(), "greedy")
			if err != nil {
				t.Fatal(err)
			}
			return release
		}
		list := func(q deployments.Query) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			q.Page = deployments.Page{Size: 20}
			result, err := l.List(ctx, storetest.Acme, q)
			if err == nil && result.Total != 1 {
				t.Errorf("%+v: the total is %d", q, result.Total)
			}
			return err
		}
		byDigest := deployments.Query{ArtifactDigest: storetest.Digest(1)}

		release := hold(counted)
		if err := list(deployments.Query{}); err != nil {
			t.Error(err)
		}
		var overload *deployments.OverloadError
		if err := list(byDigest); !errors.As(err, &overload) {
			t.Errorf("got %v", err)
		}
		release()
		release = hold(cheap)
		if err := list(byDigest); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := l.List(ctx, storetest.Acme, deployments.Query{Page: deployments.Page{Size: 20}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		release()
		if err := list(deployments.Query{}); err != nil {
			t.Error(err)
		}
	})
}
