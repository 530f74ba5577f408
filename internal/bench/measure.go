package bench

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// measurement gives one number: a rate, or seconds.
type measurement func(context.Context) (float64, error)

// paired are the medians of two things that were measured by turns. What disturbs a machine for a while disturbs both
// of a pair, so the median of the ratios says more than the ratio of the medians.
type paired struct {
	a, b, ratio float64 // ratio is of a to b
	n           int
}

// measure measures a and b by turns, as often as the effort says or until the row's time is spent, once at least. Which
// one goes first changes.
func (l *lab) measure(ctx context.Context, what string, a, b measurement) (paired, error) {
	var as, bs, ratios []float64
	for start := time.Now(); len(ratios) < l.effort.Pairs && (len(ratios) == 0 || time.Since(start) < l.effort.MostPerRow); {
		l.say("%s: pair %d of %d", what, len(ratios)+1, l.effort.Pairs)
		var va, vb float64
		first, second, v1, v2 := a, b, &va, &vb
		if len(ratios)%2 == 1 {
			first, second, v1, v2 = b, a, &vb, &va
		}
		var err error
		if *v1, err = first(ctx); err != nil {
			return paired{}, err
		}
		if *v2, err = second(ctx); err != nil {
			return paired{}, err
		}
		as, bs, ratios = append(as, va), append(bs, vb), append(ratios, va/vb)
	}
	return paired{median(as), median(bs), median(ratios), len(ratios)}, nil
}

// median is that of numbers, of which there is one at least.
func median[T cmp.Ordered](of []T) T { return quantile(of, 0.5) }

// quantile is the least of the values, of which there is one at least, that so great a part of all is not greater than.
func quantile[T cmp.Ordered](of []T, part float64) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[max(0, int(math.Ceil(part*float64(len(sorted))))-1)]
}

// timed gives the seconds that something takes.
func timed(do func() error) (float64, error) {
	start := time.Now()
	err := do()
	return time.Since(start).Seconds(), err
}
