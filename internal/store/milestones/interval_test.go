package milestones

import "testing"

func TestTheIntervalGrowsWithTheSquareRootOfLongLists(t *testing.T) {
	for _, c := range []struct{ records, shortest, want int64 }{
		{0, 1024, 1024},
		{40_960, 1024, 1024},
		{163_840, 1024, 2048},
		{4_096_000, 1024, 10_240},
		{80, 2, 2},
		{320, 2, 4},
	} {
		if got := intervalOf(c.records, c.shortest); got != c.want {
			t.Errorf("%d records: got %d, want %d", c.records, got, c.want)
		}
	}
}
