package bench

import (
	"context"
	"fmt"
)

// scale is the default listing of ten million records against that of one million in as many slots: what it costs must
// not grow with the history.
func scale(ctx context.Context, l *lab) ([]Figure, error) {
	const big, ten = 10_000_000, 10
	if l.records < big {
		return nil, notRun("it needs RECORDS=10000000")
	}
	var servers []*server
	for _, records := range []int{l.records, l.records / ten} {
		d, err := l.dataset(ctx, records)
		if err != nil {
			return nil, err
		}
		s, err := l.serve(ctx, l.program, d.url)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		servers = append(servers, s)
	}
	var figures []Figure
	for _, size := range []int{20, 100} {
		much, little := servedRate(l, servers[0], size), servedRate(l, servers[1], size)
		if err := warmUp(ctx, much, little); err != nil {
			return figures, err
		}
		p, err := l.measure(ctx, fmt.Sprintf("scale, %d a page", size), much, little)
		if err != nil {
			return figures, err
		}
		figures = append(figures, Figure{
			What:     fmt.Sprintf("default listing, %d a page, of %s records against %s", size, grouped(float64(l.records)), grouped(float64(l.records/ten))),
			Measured: perSecond(p.a), Against: perSecond(p.b), Value: p.ratio, Limit: atLeast(0.8, 0.95), Pairs: p.n,
		})
	}
	return figures, nil
}
