package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

var deep = scenario{
	name: "deep", measure: measureDeep, description: `
The duration of the middle and of the last page of the full history, 20 records a page, for one client. The baseline is the
first page without a filter. The ratio is the cost of the page number, which must not grow with the history.`,
	missed: `Deep pages: a deep page adds up the milestones before it, half a microsecond each, and skips the index entries between it and the
nearest. In a long list, both grow with the square root of its length ([ADR 0008](adr/0008-counts-and-milestones.md)).`,
}

// noRecords is why the pages of some pairs of filters are not measured.
const noRecords = "no record has both values"

// deepPageSize is the page size of the scenarios deep and buffers.
const deepPageSize = 20

func measureDeep(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	v, err := s.frequentValues(ctx)
	if err != nil {
		return nil, err
	}
	return t.deepPages(ctx, s, append(v.deepQueries(), v.deepPairs()...))
}

// deepPages compares the middle and the last page of each query with the first page without a filter.
func (t *testbed) deepPages(ctx context.Context, s *server, queries []query) ([]Result, error) {
	first := frequentValues{}.query(true).page(0, deepPageSize)
	var results []Result
	for _, q := range queries {
		pages, records, err := q.count(ctx, s, deepPageSize)
		if errors.Is(err, errNoRecords) {
			results = append(results, Result{What: "deep pages of the full history, " + q.name, NotRun: noRecords})
			continue
		}
		if err != nil {
			return results, err
		}
		t.logf("deep, %s: %s records", q.name, grouped(float64(records)))
		for _, page := range []namedPage{{"middle", pages / 2}, {"last", pages - 1}} {
			p, err := t.comparePages(ctx, s, s, q.page(page.number, deepPageSize), first)
			if err != nil {
				return results, err
			}
			result := p.result(fmt.Sprintf("%s page of the full history, %s (%s records)", page.name, q.name, grouped(float64(records))), milliseconds, nil)
			if q.limit != 0 {
				result.Threshold = atMost(q.limit, 1.2)
			}
			results = append(results, result)
		}
	}
	return results, nil
}

type namedPage struct {
	name   string
	number int
}

// comparePages measures alternately how long two servers, or one, take for two pages, for half of the duration and at least as many
// pairs as the options ask for. Two pairs before them warm up.
func (t *testbed) comparePages(ctx context.Context, measured, baseline *server, measuredPage, baselinePage string) (*pairs, error) {
	const warmUps = 2
	var do [2]func() error
	for i, side := range []struct {
		*server
		page string
	}{{measured, measuredPage}, {baseline, baselinePage}} {
		c, err := dial(ctx, side.address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		request := side.request("GET", side.page, "")
		do[i] = func() error { return c.do(request, io.Discard) }
	}
	var p pairs
	start := time.Now()
	for n := 0; n < warmUps+t.Pairs || time.Since(start) < t.Duration/2; n++ {
		var durations [2]float64
		for i := range do {
			var err error
			if durations[i], err = timed(do[i]); err != nil {
				return nil, err
			}
		}
		if n >= warmUps {
			p.add(durations[0], durations[1])
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return &p, nil
}
