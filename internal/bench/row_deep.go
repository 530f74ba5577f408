package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// deepPageSize is the size of the pages of the row deep.
const deepPageSize = 20

// filter is a question about the full history.
type filter struct {
	name    string
	values  url.Values
	limited bool // whether its pages have a bar
}

// filters are those of the row deep, with the values that most records have.
func (b busiest) filters() []filter {
	environment, logical := url.Values{"environment_name": {b.environment}}, url.Values{"logical_environment_name": {b.logicalEnvironment}}
	status, kind := url.Values{"status": {"SUPERSEDED"}}, url.Values{"artifact_kind": {"CONTAINER_IMAGE"}}
	both := func(a, b url.Values) url.Values {
		all := url.Values{}
		for _, values := range []url.Values{a, b} {
			for name, value := range values {
				all[name] = value
			}
		}
		return all
	}
	return []filter{
		{"no filter", url.Values{}, true},
		{"environment", environment, true},
		{"logical environment", logical, true},
		{"status", status, true},
		{"kind", kind, true},
		{"deployment name", url.Values{"deployment_name": {b.deployment}}, true},
		{"project", url.Values{"project_name": {b.project}}, false},
		{"digest", url.Values{"artifact_digest": {b.digest}}, false},
		{"environment and status", both(environment, status), false},
		{"logical environment and kind", both(logical, kind), false},
	}
}

// page is the path of a page of the full history, from 0.
func (f filter) page(number, size int) string {
	values := url.Values{"full_history": {"true"}, "pagination.page": {strconv.Itoa(number)}, "pagination.page_size": {strconv.Itoa(size)}}
	for name, value := range f.values {
		values[name] = value
	}
	return "/v1/deployments?" + values.Encode()
}

// pages asks how many there are.
func (f filter) pages(ctx context.Context, s *server, size int) (pages, records int, err error) {
	body, err := s.get(ctx, f.page(0, size))
	if err != nil {
		return 0, 0, err
	}
	var answer struct {
		Pagination struct {
			Pages   int `json:"total_pages"`
			Records int `json:"total_count"`
		} `json:"pagination"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, 0, err
	}
	if answer.Pagination.Pages == 0 {
		return 0, 0, fmt.Errorf("%s has no records", f.page(0, size))
	}
	return answer.Pagination.Pages, answer.Pagination.Records, nil
}

// deep is the middle and the last page of the full history, each with several filters, against its first page without
// any, of a client that asks alone.
func deep(ctx context.Context, l *lab) ([]Figure, error) {
	d, err := l.dataset(ctx, l.records)
	if err != nil {
		return nil, err
	}
	return l.deepPages(ctx, d, atMost(3, 1.2))
}

func (l *lab) deepPages(ctx context.Context, d *dataset, limit *Limit) ([]Figure, error) {
	b, err := d.busiest(ctx)
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	all := b.filters()
	first := s.request("GET", all[0].page(0, deepPageSize), "")
	var figures []Figure
	for _, f := range all {
		pages, records, err := f.pages(ctx, s, deepPageSize)
		if err != nil {
			return figures, err
		}
		l.say("deep, %s: %s records", f.name, grouped(float64(records)))
		for _, target := range []struct {
			name string
			page int
		}{{"middle", pages / 2}, {"last", pages - 1}} {
			p, err := l.alternate(ctx, c, s.request("GET", f.page(target.page, deepPageSize), ""), first)
			if err != nil {
				return figures, err
			}
			figure := Figure{
				What:     fmt.Sprintf("%s page of the full history, %s (%s records)", target.name, f.name, grouped(float64(records))),
				Measured: milliseconds(p.a), Against: milliseconds(p.b), Value: p.ratio, Pairs: p.n,
			}
			if f.limited {
				figure.Limit = limit
			}
			figures = append(figures, figure)
		}
	}
	return figures, nil
}

// alternate asks for two things by turns, for the effort's span but at least as often as it says, and gives the medians
// of how long each took.
func (l *lab) alternate(ctx context.Context, c *connection, a, b []byte) (paired, error) {
	var as, bs, ratios []float64
	for range 2 { // warm up
		for _, request := range [][]byte{a, b} {
			if err := c.do(request, nil); err != nil {
				return paired{}, err
			}
		}
	}
	for start := time.Now(); ctx.Err() == nil && (len(ratios) < l.effort.Pairs || time.Since(start) < l.effort.Span/2); {
		va, err := timed(func() error { return c.do(a, nil) })
		if err != nil {
			return paired{}, err
		}
		vb, err := timed(func() error { return c.do(b, nil) })
		if err != nil {
			return paired{}, err
		}
		as, bs, ratios = append(as, va), append(bs, vb), append(ratios, va/vb)
	}
	if ctx.Err() != nil {
		return paired{}, ctx.Err()
	}
	return paired{median(as), median(bs), median(ratios), len(ratios)}, nil
}
