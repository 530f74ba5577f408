package pgtest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

func TestTheServerInPathIsPreferred(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "pgtest-") //nolint:usetesting // the user postgres cannot read t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const program = "#!/bin/sh\necho another version >&2\nexit 1\n"
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "initdb"), []byte(program), 0o755),
		os.WriteFile(filepath.Join(dir, "postgres"), nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	c, err := pgtest.Launch()
	if err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("another server: %v", err)
	}
	if c != nil {
		c.Remove()
	}
}
