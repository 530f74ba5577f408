package cli

import (
	"math"
	"runtime"
	"runtime/debug"
)

// collectRarely lets the heap grow to about 65 MiB between garbage collections, which delay requests by milliseconds
// and dominate the latency of the slowest one percent. It sets GOGC to 400 and allocates a ballast that counts as live
// heap, but takes no memory since nothing touches it. Beyond memoryLimit it collects as often as needed. A GOGC other than
// Go's default takes precedence, as does a GOMEMLIMIT, with which there is no ballast. release ends the ballast's lifetime.
func collectRarely(bodies int64) (release func()) {
	if !replaceDefaultGOGC(400) {
		return func() {}
	}
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {} // a GOMEMLIMIT would count the ballast
	}
	debug.SetMemoryLimit(memoryLimit(bodies))
	ballast := make([]byte, 9<<20)
	return func() { runtime.KeepAlive(ballast) }
}

// collectOften keeps the heap within half more than is in use: the import command waits for the database most of the time, and
// often runs on a small machine. A GOGC other than Go's default takes precedence.
func collectOften() { replaceDefaultGOGC(50) }

// replaceDefaultGOGC sets GOGC, unless it has another value than Go's default. It reports whether it did.
func replaceDefaultGOGC(percent int) bool {
	const goDefault = 100
	previous := debug.SetGCPercent(percent)
	if previous != goDefault {
		debug.SetGCPercent(previous)
	}
	return previous == goDefault
}

// memoryLimit returns the soft limit of Go's memory for a limit of all bodies: 384 MiB by default. A valid body takes up to
// four times its size while it is decoded and recorded.
func memoryLimit(bodies int64) int64 { return 128<<20 + 4*bodies }
