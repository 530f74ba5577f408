//go:build race

package storetest

import "runtime/debug"

// Under the race detector, collecting garbage less often saves a third of the time of tests with databases.
func init() { debug.SetGCPercent(400) }
