package listing_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A database on this machine shares its processors with the server.
func TestDefaultMaxConcurrentListsDependsOnWhereTheDatabaseIs(t *testing.T) {
	t.Setenv("PGHOST", "db.internal") // for URLs that have no host
	const connections = 1000
	local := 2 * runtime.GOMAXPROCS(0)
	for url, want := range map[string]int{
		"sqlite:///var/lib/records.db":                                     local,
		"postgres://u:p@localhost/records":                                 local,
		"postgres://u:p@127.0.0.1:5432/records":                            local,
		"postgres://u:p@[::1]/records":                                     local,
		"postgres:///records?host=/var/run/postgresql&port=5433":           local,
		"postgres://u:p@db.internal/records":                               connections,
		"postgres://u:p@10.0.0.7/records":                                  connections,
		"postgres:///records":                                              connections,
		"postgres://u:p@db-1.internal,127.0.0.1/records":                   connections,
		"postgres://u:p@localhost,db-2.internal/records":                   connections, // whichever may be written to
		"postgres://u:p@localhost,127.0.0.1/records":                       local,
		"postgres://u:p@localhost.example.com/records?sslmode=verify-full": connections,
	} {
		if got := listing.DefaultMaxConcurrentLists(url, connections); got != want {
			t.Errorf("%s: got %d, want %d", url, got, want)
		}
		if got := listing.DefaultMaxConcurrentLists(url, 1); got != 1 {
			t.Errorf("%s with one connection: got %d, want 1", url, got)
		}
	}
}

func TestMaxConcurrentListsIsAtMostMaxConnections(t *testing.T) {
	s, err := store.Open(store.Options{URL: pgtest.URL(t), MaxConnections: 3, MaxConcurrentLists: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := s.MaxConcurrentLists(); n != 3 {
		t.Errorf("got %d, want 3", n)
	}
}

func TestNoMoreThanMaxConcurrentListsRunAtOnce(t *testing.T) {
	url := pgtest.URL(t)
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

// A listing waits for admission no longer than its context. Recordings and listings that count their records do not wait.
func TestOnlyCountedListingsWaitForAdmission(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := storetest.Open(t, url)
		release := s.HoldAll(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := s.List(ctx, storetest.Acme, deployments.Query{Page: deployments.Page{Size: 20}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		recording := deployments.Recording{
			EnvironmentName: "eu", DeploymentName: "api",
			Kind: deployments.ContainerImage, Digest: storetest.Digest(1), Status: deployments.Deployed,
		}
		batch := deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{Recording: recording}}}
		if _, err := s.Record(soon, "acme", batch); err != nil {
			t.Error(err)
		}
		got, err := s.List(soon, storetest.Acme, deployments.Query{ArtifactDigest: storetest.Digest(1), Page: deployments.Page{Size: 20}})
		if err != nil || got.Total != 1 {
			t.Errorf("a listing without a precomputed total: got %d, %v", got.Total, err)
		}
		release()
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{Page: deployments.Page{Size: 20}}); got.Total != 1 {
			t.Errorf("the total is %d", got.Total)
		}
	})
}
