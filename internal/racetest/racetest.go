// Package racetest lets slow tests skip themselves under the race detector, which makes them several times slower.
//
// Only tests that exercise one goroutine at a time belong here: they give the detector nothing to find. `make test` runs
// every package that imports racetest a second time without the detector, so a skipped test still runs once.
package racetest

import "testing"

// Skip skips the test if the race detector is on.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("too slow under the race detector; make test also runs it without")
	}
}
