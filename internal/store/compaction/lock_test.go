package compaction_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestStatementTimeoutDoesNotCancelCompaction(t *testing.T) {
	t.Parallel()
	const timeout = 100 * time.Millisecond
	url := storetest.PostgreSQL(t)
	other := storetest.Open(t, url) // without a timeout
	storetest.Load(t, other, "acme", storetest.Entry(1, 0, "eu", "api"))
	s, err := store.Open(store.Options{URL: url, Timeouts: session.Timeouts{Statement: timeout}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := storetest.RecordImage(other, 2, "eu", "api", "web"); err != nil {
		t.Fatal(err)
	}
	db := storetest.OpenSQL(t, url)
	holder := storetest.Begin(t, db, "SELECT FROM list_totals FOR UPDATE")
	compacted := make(chan error, 1)
	go func() {
		n, err := s.Compact(t.Context())
		if err == nil && n == 0 {
			err = fmt.Errorf("nothing was compacted")
		}
		compacted <- err
	}()
	storetest.WaitForLocks(t, db, 1)
	select {
	case err := <-compacted:
		t.Fatalf("the compaction did not wait: %v", err)
	case <-time.After(3 * timeout):
	}
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-compacted; err != nil {
		t.Error(err)
	}
	storetest.RequireVerified(t, other, "acme")
}
