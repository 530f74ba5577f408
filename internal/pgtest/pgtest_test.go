package pgtest_test

import (
	"strconv"
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
