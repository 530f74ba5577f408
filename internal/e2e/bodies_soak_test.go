//go:build soak

package e2e_test

import (
	"maps"
	"slices"
	"testing"
)

func TestBodiesOfEveryShapeTakeBoundedMemory(t *testing.T) {
	checkPeaks(t, 24, slices.Sorted(maps.Keys(bodyShapes))...)
}
