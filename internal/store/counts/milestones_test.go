package counts

import "testing"

func TestTheIntervalGrowsWithTheSquareRootOfLongLists(t *testing.T) {
	for _, c := range []struct{ records, shortest, want int64 }{
		{0, 1024, 1024},
		{40_000, 1024, 1024},
		{160_000, 1024, 2048},
		{4_000_000, 1024, 10_240},
		{160_000, 2, 4},
		{100, 2, 2},
	} {
		if got := intervalOf(c.records, c.shortest); got != c.want {
			t.Errorf("%d records: got %d, want %d", c.records, got, c.want)
		}
	}
}
