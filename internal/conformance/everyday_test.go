//go:build !soak

package conformance_test

const soak = false
