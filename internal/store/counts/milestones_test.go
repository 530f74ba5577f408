package counts

import "testing"

func TestTheIntervalGrowsWithTheSquareRootOfLongLists(t *testing.T) {
	for _, c := range []struct{ records, shortest, want int64 }{
		{0, 2048, 2048},
		{163_840, 2048, 2048},
		{655_360, 2048, 4096},
		{16_384_000, 2048, 20_480},
		{160, 2, 2},
		{640, 2, 4},
	} {
		if got := intervalOf(c.records, c.shortest); got != c.want {
			t.Errorf("%d records: got %d, want %d", c.records, got, c.want)
		}
	}
}
