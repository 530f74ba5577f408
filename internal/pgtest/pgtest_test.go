package pgtest_test

import (
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

func TestParallelTestsHaveADatabaseEach(t *testing.T) {
	for i := range 20 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			pgtest.Exec(t, pgtest.URL(t), "CREATE TABLE same_name ()")
		})
	}
}

func TestCopiesHaveWhatIsPreparedOnce(t *testing.T) {
	var calls atomic.Int64
	copies := pgtest.Copies(func(databaseURL string) error {
		calls.Add(1)
		pgtest.Exec(t, databaseURL, "CREATE TABLE prepared ()")
		return nil
	})
	t.Run("copies", func(t *testing.T) {
		for i := range 4 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				pgtest.Exec(t, copies(t), "DROP TABLE prepared")
			})
		}
	})
	if n := calls.Load(); n != 1 && os.Getenv("TEST_DATABASE_URL") == "" {
		t.Errorf("prepared %d times", n)
	}
}
