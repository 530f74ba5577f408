package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// latency is how much longer the slowest of a hundred requests takes than the middle one, while clients that know
// nothing of each other ask for half of what the server can do; and the same of PostgreSQL alone, which tells how much
// of it is the machine's.
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
		of, err := l.latencyOf(ctx, d, s, size)
		if err != nil {
			return figures, err
		}
		figures = append(figures, of...)
	}
	return figures, nil
}

// latencyOf is that of pages of one size. Its clients are gone when it returns: connections of another size that are
// left open, and the server process behind each of PostgreSQL's, are not what the next is to be measured beside.
func (l *lab) latencyOf(ctx context.Context, d *dataset, s *server, size int) ([]Figure, error) {
	served, err := s.clients(ctx, connections, always(s.request("GET", listingPath(size), "")))
	if err != nil {
		return nil, err
	}
	defer served.close()
	bare, err := l.pageClients(ctx, d, connections, size)
	if err != nil {
		return nil, err
	}
	defer bare.close()
	for _, c := range []*clients{served, bare} { // caches fill, plans are made
		if _, err := saturate(ctx, c, l.effort.Span/2); err != nil {
			return nil, err
		}
	}
	var ours, alone tails
	for n := range l.effort.Pairs {
		l.say("latency, %d a page: run %d of %d", size, n+1, l.effort.Pairs)
		if err := ours.add(ctx, served, l.effort.Span); err != nil {
			return nil, err
		}
		if err := alone.add(ctx, bare, l.effort.Span); err != nil {
			return nil, err
		}
	}
	return []Figure{
		ours.figure(fmt.Sprintf("p99 against p50 of the default listing, %d a page, at half the saturated rate", size), atMost(5, 2)),
		alone.figure(fmt.Sprintf("the same of PostgreSQL without the server: the four-join SQL of listing, %d rows", size), nil),
	}, nil
}

// tails are what was found under half the load, one of each run.
type tails struct{ rates, middles, slowests, ratios []float64 }

// add measures once: first what the clients get at most, for the speed of the machine changes from one minute to the
// next, and then at half of it.
func (t *tails) add(ctx context.Context, c *clients, span time.Duration) error {
	rate, err := saturate(ctx, c, span/2)
	if err != nil {
		return err
	}
	took, err := arrive(ctx, c, rate/2, span/2)
	if err != nil {
		return err
	}
	middle, slowest := median(took), quantile(took, 0.99)
	t.rates = append(t.rates, rate/2)
	t.middles, t.slowests, t.ratios = append(t.middles, middle), append(t.slowests, slowest), append(t.ratios, slowest/middle)
	return nil
}

func (t *tails) figure(what string, limit *Limit) Figure {
	return Figure{
		What:     fmt.Sprintf("%s (%s)", what, perSecond(median(t.rates))),
		Measured: milliseconds(median(t.slowests)), Against: milliseconds(median(t.middles)),
		Value: median(t.ratios), Limit: limit, Pairs: len(t.ratios),
	}
}

// pageClients are clients of PostgreSQL that ask for the page of the default listing by naturalPage, prepared and
// planned once. The caller closes them.
func (l *lab) pageClients(ctx context.Context, d *dataset, count, size int) (*clients, error) {
	organization, err := d.organization(ctx)
	if err != nil {
		return nil, err
	}
	var all []*pgx.Conn
	opened := &clients{close: func() {
		for _, conn := range all {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}}
	text := strings.ReplaceAll(fmt.Sprintf(naturalPage, size), ":organization", "$1")
	for range count {
		conn, err := pgx.Connect(ctx, l.url(d.name, "plan_cache_mode=force_generic_plan"))
		if err != nil {
			opened.close()
			return nil, err
		}
		all = append(all, conn)
		if _, err := conn.Prepare(ctx, "page", text); err != nil {
			opened.close()
			return nil, err
		}
		id := [][]byte{fmt.Append(nil, organization)}
		opened.ask = append(opened.ask, func() error {
			got := conn.PgConn().ExecPrepared(ctx, "page", id, nil, nil).Read()
			if got.Err == nil && len(got.Rows) == 0 {
				return fmt.Errorf("organization %d has no records", organization)
			}
			return got.Err
		})
	}
	return opened, nil
}
