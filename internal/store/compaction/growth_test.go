package compaction

import "testing"

func TestCountersAreReadAtFirstAndAfterEnoughDeltas(t *testing.T) {
	g := growth{enough: 10}
	for i, c := range []struct {
		organizationID int64
		deltas         int
		want           bool
	}{{1, 0, true}, {1, 9, false}, {2, 1, true}, {1, 1, true}, {1, 9, false}, {2, 25, true}, {1, 0, false}, {1, 1, true}} {
		if got := g.isEnough(c.organizationID, c.deltas); got != c.want {
			t.Errorf("step %d: got %t", i, got)
		}
	}
}
