package database_test

import (
	"os"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestSQLiteCommitsDurablyAndChecksForeignKeys(t *testing.T) {
	t.Parallel()
	db := storetest.OpenDatabase(t, storetest.Engines[1].URL(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "journal_size_limit": "67108864"} {
		var got string
		if err := db.Pool.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
}

// After a large import, the WAL file would keep its size for ever.
func TestSQLiteTruncatesALargeWAL(t *testing.T) {
	t.Parallel()
	url := storetest.Engines[1].URL(t)
	db := storetest.OpenDatabase(t, url)
	size := func() int64 {
		info, err := os.Stat(strings.TrimPrefix(url, "sqlite://") + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for _, statement := range []string{"CREATE TABLE large (value blob)", "INSERT INTO large VALUES (zeroblob(80000000))"} {
		if _, err := db.Pool.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if n := size(); n < 80_000_000 {
		t.Fatalf("the WAL has %d bytes only", n)
	}
	for range 2 { // the first write may come before the checkpoint is complete
		if _, err := db.Pool.Exec("INSERT INTO large VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	if n := size(); n > 64<<20 {
		t.Errorf("the WAL keeps %d bytes", n)
	}
}
