// Package racetest lets slow tests skip themselves under the race detector, which makes them several times slower.
//
// Only tests that exercise one goroutine at a time belong here: they give the detector nothing to find. `make test` runs
// every package that imports racetest a second time without the detector, so a skipped test still runs once.
package racetest

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// Skip skips the test if the race detector is on.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("too slow under the race detector; make test also runs it without")
	}
}

// SkipPackage runs the package's tests, or none of them if the race detector is on. Call it from TestMain.
//
// It raises GOGC to 400: packages that skip as a whole produce gigabytes of short-lived garbage, and collecting it less
// often saves a third of their time.
func SkipPackage(m *testing.M) {
	if Enabled {
		fmt.Fprintln(os.Stderr, "too slow under the race detector; make test also runs this package without")
		os.Exit(0)
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
