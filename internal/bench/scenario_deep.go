package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strconv"
	"time"
)

var deep = scenario{name: "deep", measure: measureDeep, description: `
The duration of the middle and of the last page of the full history, 20 records a page, for one client. The baseline is the
first page without a filter. The ratio is the cost of the page number, which must not grow with the history.`,
	missed: `Deep pages: a deep page skips up to 8,192 index entries and adds up the milestones before it, half a microsecond each
([ADR 0008](adr/0008-counts-and-milestones.md)). Sums of milestones have not been tried.`}

// deepPageSize is the page size of the scenarios deep and buffers.
const deepPageSize = 20

// query is a listing of one kind of history with filters.
type query struct {
	name   string
	values url.Values
	judged bool // its deep pages have a threshold
}

// fullHistory returns a query of the full history. The filters are parameter names and values by turns.
func fullHistory(name string, judged bool, filters ...string) query {
	q := query{name: name, values: url.Values{"full_history": {"true"}}, judged: judged}
	for i := 0; i < len(filters); i += 2 {
		q.values.Set(filters[i], filters[i+1])
	}
	return q
}

// deepQueries are the queries of the scenarios deep and buffers.
func (v frequentValues) deepQueries() []query {
	const status, kind = "SUPERSEDED", "CONTAINER_IMAGE"
	return []query{
		fullHistory("no filter", true),
		fullHistory("environment", true, "environment_name", v.environment),
		fullHistory("logical environment", true, "logical_environment_name", v.logicalEnvironment),
		fullHistory("status", true, "status", status),
		fullHistory("kind", true, "artifact_kind", kind),
		fullHistory("deployment name", true, "deployment_name", v.deployment),
		fullHistory("project", false, "project_name", v.project),
		fullHistory("digest", false, "artifact_digest", v.digest),
		fullHistory("environment and status", false, "environment_name", v.environment, "status", status),
		fullHistory("logical environment and kind", false, "logical_environment_name", v.logicalEnvironment, "artifact_kind", kind),
	}
}

// page returns the path and query of a page. Pages are numbered from 0.
func (q query) page(number, size int) string {
	values := maps.Clone(q.values)
	values.Set("pagination.page", strconv.Itoa(number))
	values.Set("pagination.page_size", strconv.Itoa(size))
	return "/v1/deployments?" + values.Encode()
}

// count requests how many pages and records there are, at least one.
func (q query) count(ctx context.Context, s *server, pageSize int) (pages, records int, err error) {
	body, err := s.get(ctx, q.page(0, pageSize))
	if err != nil {
		return 0, 0, err
	}
	var list struct {
		Pagination struct {
			Pages   int `json:"total_pages"`
			Records int `json:"total_count"`
		} `json:"pagination"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, 0, err
	}
	if list.Pagination.Pages == 0 {
		return 0, 0, fmt.Errorf("%s has no records", q.page(0, pageSize))
	}
	return list.Pagination.Pages, list.Pagination.Records, nil
}

func measureDeep(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	return t.deepPages(ctx, s, atMost(3, 1.2))
}

func (t *testbed) deepPages(ctx context.Context, s *server, threshold *Threshold) ([]Result, error) {
	v, err := s.frequentValues(ctx)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	queries := v.deepQueries()
	first := s.request("GET", queries[0].page(0, deepPageSize), "")
	var results []Result
	for _, q := range queries {
		pages, records, err := q.count(ctx, s, deepPageSize)
		if err != nil {
			return results, err
		}
		t.logf("deep, %s: %s records", q.name, grouped(float64(records)))
		for _, page := range []struct {
			name   string
			number int
		}{{"middle", pages / 2}, {"last", pages - 1}} {
			p, err := t.compareRequests(ctx, c, s.request("GET", q.page(page.number, deepPageSize), ""), first)
			if err != nil {
				return results, err
			}
			result := p.result(fmt.Sprintf("%s page of the full history, %s (%s records)", page.name, q.name, grouped(float64(records))), milliseconds, nil)
			if q.judged {
				result.Threshold = threshold
			}
			results = append(results, result)
		}
	}
	return results, nil
}

// compareRequests measures the durations of two requests by turns, for half of the duration and at least as many pairs
// as the options ask for. Two pairs before them warm up.
func (t *testbed) compareRequests(ctx context.Context, c *connection, measured, baseline []byte) (*pairs, error) {
	const warmUps = 2
	var p pairs
	start := time.Now()
	for n := 0; n < warmUps+t.Pairs || time.Since(start) < t.Duration/2; n++ {
		var durations [2]float64
		for i, request := range [][]byte{measured, baseline} {
			var err error
			if durations[i], err = timed(func() error { return c.do(request, io.Discard) }); err != nil {
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
