package faults

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// draws returns sorted delays of a distribution.
func draws(seed uint64, delay Delay, n int) []time.Duration {
	random := rand.New(rand.NewPCG(seed, 0))
	var all []time.Duration
	for range n {
		all = append(all, delay.draw(random))
	}
	slices.Sort(all)
	return all
}

func TestDelaysAreThoseOfTheDistributionAndTheSeed(t *testing.T) {
	const n = 10_000
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, c := range []struct {
		delay                              Delay
		least, quarter, median, late, most time.Duration // late: three quarters are not more
	}{
		{Delay{Fixed: ms(7)}, ms(7), ms(7), ms(7), ms(7), ms(7)},
		{Delay{Min: ms(100), Max: ms(500)}, ms(100), ms(200), ms(300), ms(400), ms(500)},
		{Delay{Median: ms(100)}, ms(100), ms(100), ms(100), ms(100), ms(100)},
		{Delay{Median: ms(100), Sigma: 1}, 0, ms(51), ms(100), ms(196), MaxDelay},
		{Delay{Median: time.Minute, Sigma: 10}, 0, ms(71), time.Minute, MaxDelay, MaxDelay},
	} {
		got := draws(1, c.delay, n)
		if got[0] < c.least || got[n-1] > c.most {
			t.Errorf("%+v: from %s to %s", c.delay, got[0], got[n-1])
		}
		for _, q := range []struct{ got, want time.Duration }{{got[n/4], c.quarter}, {got[n/2], c.median}, {got[3*n/4], c.late}} {
			if ratio := float64(q.got) / float64(q.want); ratio < 0.7 || ratio > 1.4 {
				t.Errorf("%+v: a quartile is %s, want about %s", c.delay, q.got, q.want)
			}
		}
		if !slices.Equal(got, draws(1, c.delay, n)) {
			t.Errorf("%+v: a seed has different delays", c.delay)
		}
		if c.delay.Max > 0 && slices.Equal(got, draws(2, c.delay, n)) {
			t.Errorf("%+v: two seeds have the same delays", c.delay)
		}
	}
}
