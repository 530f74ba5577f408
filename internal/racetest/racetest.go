// Package racetest lets slow tests skip themselves under the race detector, which makes them several times slower.
//
// Only tests that exercise one goroutine at a time belong here: they give the detector nothing to find. `make test` runs
// them afterwards without the detector. The build tag raceall runs them with it.
package racetest

import "testing"

// Skip skips the test if the race detector is on. Call it in the first line of a test, where scripts/test.sh looks for it.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("too slow under the race detector; make test also runs it without")
	}
}
