package bench

import (
	"context"
	"fmt"
)

// inSQLite reports, without a bar, what the server does on an SQLite file.
func inSQLite(ctx context.Context, l *lab) ([]Figure, error) {
	records := min(l.records, 1_000_000)
	d, err := l.sqliteDataset(ctx, records)
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	var figures []Figure
	for _, size := range []int{20, 100} {
		served := servedRate(l, s, size)
		var rates []float64
		for n := range l.effort.Pairs + 1 {
			l.say("sqlite, %d a page: run %d of %d", size, n, l.effort.Pairs)
			rate, err := served(ctx)
			if err != nil {
				s.stop()
				return nil, err
			}
			if n > 0 { // the first is to warm up
				rates = append(rates, rate)
			}
		}
		figures = append(figures, Figure{
			What:     fmt.Sprintf("SQLite, %s records: default listing, %d connections, %d a page", grouped(float64(records)), connections, size),
			Measured: perSecond(median(rates)),
		})
	}
	s.stop()
	pages, err := l.deepPages(ctx, d, nil)
	for _, f := range pages {
		f.What = "SQLite: " + f.What
		figures = append(figures, f)
	}
	return figures, err
}
