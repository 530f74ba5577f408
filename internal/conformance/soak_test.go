//go:build soak

package conformance_test

// soak is set by make soak, which also tries what takes too long for every day.
const soak = true
