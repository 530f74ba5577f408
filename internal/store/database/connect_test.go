package database_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestSQLiteCommitsDurablyAndChecksForeignKeys(t *testing.T) {
	t.Parallel()
	db := storetest.OpenDatabase(t, storetest.Engines[1].URL(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		var got string
		if err := db.Pool.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
}
