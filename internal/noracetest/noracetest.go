// Package noracetest keeps the tests of whole packages away from the race detector: tests that exercise one goroutine at a time
// by the thousands, or that mostly start programs and browsers.
//
// `make test` neither compiles nor runs a package that imports noracetest with the detector, and runs it afterwards without.
// `make soak` runs those whose tests start goroutines of ours with it, by the build tag raceall.
package noracetest

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"github.com/deployrecords/deployrecords/internal/racetest"
)

// Main runs the package's tests and ends the process. Call it from TestMain.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run runs the package's tests, or none of them if the race detector is on, and returns the exit code.
//
// It raises GOGC to 400: such packages produce gigabytes of short-lived garbage, and collecting it less often saves a third
// of their time.
func Run(m *testing.M) int {
	if racetest.Enabled {
		fmt.Fprintln(os.Stderr, "not for the race detector; make test runs this package without")
		return 0
	}
	debug.SetGCPercent(400)
	return m.Run()
}
