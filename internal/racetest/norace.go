//go:build !race || raceall

package racetest

// Enabled reports whether the race detector is on and slow tests skip themselves.
const Enabled = false
