// Package noracetest keeps the tests of whole packages away from the race detector: tests that exercise one goroutine at a time
// by the thousands, or only start programs, which are compiled without the detector.
//
// `make test` neither compiles nor runs a package that imports noracetest with the detector, and runs it afterwards without.
package noracetest

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"github.com/deployrecords/deployrecords/internal/racetest"
)

// Main runs the package's tests, or none of them if the race detector is on. Call it from TestMain.
//
// It raises GOGC to 400: such packages produce gigabytes of short-lived garbage, and collecting it less often saves a third
// of their time.
func Main(m *testing.M) {
	if racetest.Enabled {
		fmt.Fprintln(os.Stderr, "not for the race detector; make test runs this package without")
		os.Exit(0)
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
