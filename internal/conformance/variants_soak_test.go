//go:build soak

package conformance_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/variant"
)

func TestEachPairOfVariantsDiffersInItsRules(t *testing.T) {
	for i, one := range variant.All {
		for _, two := range variant.All[i+1:] {
			t.Run(one.Name+" and "+two.Name, func(t *testing.T) {
				t.Parallel()
				requireDifferences(t, one, two)
			})
		}
	}
}
