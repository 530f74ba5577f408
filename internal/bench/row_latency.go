package bench

import (
	"context"
	"fmt"
)

// latency is how much longer the slowest of a hundred requests takes than the middle one, while clients that know
// nothing of each other ask for half of what the server can do.
func latency(ctx context.Context, l *lab) ([]Figure, error) {
	d, err := l.dataset(ctx, l.records)
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var figures []Figure
	for _, size := range []int{20, 100} {
		full := servedRate(l, s, size)
		if err := warmUp(ctx, full); err != nil {
			return nil, err
		}
		rate, err := full(ctx)
		if err != nil {
			return nil, err
		}
		request := s.request("GET", listingPath(size), "")
		var middles, slowests, ratios []float64
		for n := range l.effort.Pairs {
			l.say("latency, %d a page: run %d of %d", size, n+1, l.effort.Pairs)
			took, err := arrive(ctx, s, connections, rate/2, l.effort.Span, request)
			if err != nil {
				return nil, err
			}
			middle, slowest := median(took), quantile(took, 0.99)
			middles, slowests, ratios = append(middles, middle), append(slowests, slowest), append(ratios, slowest/middle)
		}
		figures = append(figures, Figure{
			What:     fmt.Sprintf("p99 against p50 of the default listing, %d a page, at half the saturated rate (%s)", size, perSecond(rate/2)),
			Measured: milliseconds(median(slowests)), Against: milliseconds(median(middles)),
			Value: median(ratios), Limit: atMost(5, 2), Pairs: len(ratios),
		})
	}
	return figures, nil
}
