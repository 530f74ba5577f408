package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var latency = scenario{
	name: "latency", measure: measureLatency, description: `
The 99th percentile of the latency of default listings at half of the saturated rate, sent by clients that do not know of
each other. The baseline is the median latency of the same requests: the ratio shows how much longer one request in a
hundred takes, at any speed of the machine. The same load on PostgreSQL alone shows how much of it is the machine's.`,
	missed: `Latency: the load, the server and PostgreSQL share two cores; the second line of each pair is PostgreSQL alone under the same
load. [ADR 0012](adr/0012-load-settings.md) lists the settings that were tried.`,
}

func measureLatency(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var results []Result
	for _, pageSize := range []int{20, 100} {
		more, err := t.latencyOf(ctx, s, pageSize)
		if err != nil {
			return results, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// latencyOf measures pages of one size. It closes its clients: their idle connections and server processes would slow
// down the next size.
func (t *testbed) latencyOf(ctx context.Context, s *server, pageSize int) ([]Result, error) {
	served, err := s.connect(ctx, connections, always(s.request("GET", listingPath(pageSize), "")))
	if err != nil {
		return nil, err
	}
	defer served.close()
	bare, err := t.connectPostgres(ctx, s.dataset, pageSize)
	if err != nil {
		return nil, err
	}
	defer bare.close()
	loads := []*halfLoad{
		{clients: served, threshold: atMost(3.5, 2), what: fmt.Sprintf("p99 against p50 of the default listing, %d a page, at half the saturated rate", pageSize)},
		{clients: bare, what: fmt.Sprintf("the same of PostgreSQL without the server: the four-join SQL of listing, %d rows", pageSize)},
	}
	for _, load := range loads { // fill caches and plan statements
		if _, err := load.saturate(ctx, t.Duration/2); err != nil {
			return nil, err
		}
	}
	for n := range t.Pairs {
		t.logf("latency, %d a page: run %d of %d", pageSize, n+1, t.Pairs)
		for _, load := range loads {
			if err := load.run(ctx, t.Duration); err != nil {
				return nil, err
			}
		}
	}
	return []Result{loads[0].result(), loads[1].result()}, nil
}

// halfLoad is a load at half of the saturated rate, and the percentiles of its runs.
type halfLoad struct {
	*clients
	what        string
	threshold   *Threshold
	rates       []float64
	percentiles pairs // p99 and p50
}

// run measures the saturated rate first, because the machine's speed changes from minute to minute.
func (h *halfLoad) run(ctx context.Context, duration time.Duration) error {
	rate, err := h.saturate(ctx, duration/2)
	if err != nil {
		return err
	}
	latencies, err := h.arrive(ctx, rate/2, duration/2)
	if err != nil {
		return err
	}
	h.rates = append(h.rates, rate/2)
	h.percentiles.add(quantile(latencies, 0.99), median(latencies))
	return nil
}

func (h *halfLoad) result() Result {
	return h.percentiles.result(fmt.Sprintf("%s (%s)", h.what, perSecond(median(h.rates))), milliseconds, h.threshold)
}

// connectPostgres opens clients of PostgreSQL that read the default listing's page by handwrittenPage. The caller closes
// them.
func (t *testbed) connectPostgres(ctx context.Context, d *dataset, pageSize int) (*clients, error) {
	organization, err := d.organizationID(ctx)
	if err != nil {
		return nil, err
	}
	sql := strings.ReplaceAll(fmt.Sprintf(handwrittenPage, pageSize), ":organization", "$1")
	all := new(clients)
	for range connections {
		conn, err := pgx.Connect(ctx, t.url(d.name, planOnce))
		if err != nil {
			all.close()
			return nil, err
		}
		all.closers = append(all.closers, func() error { return conn.Close(context.WithoutCancel(ctx)) })
		if _, err := conn.Prepare(ctx, "page", sql); err != nil {
			all.close()
			return nil, err
		}
		id := [][]byte{fmt.Append(nil, organization)}
		all.send = append(all.send, func() error {
			got := conn.PgConn().ExecPrepared(ctx, "page", id, nil, nil).Read()
			if got.Err == nil && len(got.Rows) == 0 {
				return fmt.Errorf("organization %d has no records", organization)
			}
			return got.Err
		})
	}
	return all, nil
}
