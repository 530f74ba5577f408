package bench

import (
	"context"
	"fmt"
)

var buffers = scenario{
	name: "buffers", measure: measureBuffers, description: `
Shared buffers that PostgreSQL touches for the server's own statements, counted by its module auto_explain: the same number
on every machine. The baseline of a first page with its exact total is the same page of a tenth of the records in as many
slots; the ratio shows whether the cost grows with the history. The baseline of a deep page is the first page.`,
	missed: `Buffers: the first page reads each of its twenty records from the table page where it is stored, so up to twenty buffers depend
on how imports cluster neighbours ([ADR 0010](adr/0010-import-by-copy.md)).`,
}

func measureBuffers(ctx context.Context, t *testbed) ([]Result, error) {
	full, err := t.serveRecords(ctx, t.Records, explainSettings...)
	if err != nil {
		return nil, err
	}
	defer full.stop()
	tenth, err := t.serveRecords(ctx, t.Records/10, explainSettings...)
	if err != nil {
		return nil, err
	}
	defer tenth.stop()
	v, err := full.frequentValues(ctx)
	if err != nil {
		return nil, err
	}
	w, err := tenth.frequentValues(ctx)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, history := range []string{"default listing", "full history"} {
		isFull := history == "full history"
		more, err := t.firstPageBuffers(ctx, history, full, tenth, v.firstPageQueries(isFull), w.firstPageQueries(isFull))
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	deep, err := t.deepPageBuffers(ctx, full, v.deepQueries())
	return append(results, deep...), err
}

// firstPageBuffers compares the first pages of corresponding queries. It returns every result that misses the threshold
// and the worst of the others.
func (t *testbed) firstPageBuffers(ctx context.Context, history string, full, tenth *server, queries, ofTenth []query) ([]Result, error) {
	var missed []Result
	var worst Result
	for i, q := range queries {
		t.logf("buffers: %s, %s", history, q.name)
		count, err := t.countBuffers(ctx, full, q.page(0, deepPageSize))
		if err != nil {
			return missed, err
		}
		baseline, err := t.countBuffers(ctx, tenth, ofTenth[i].page(0, deepPageSize))
		if err != nil {
			return missed, err
		}
		r := Result{
			What:     fmt.Sprintf("first page and total, %s, against a tenth of the records: %s", history, q.name),
			Measured: grouped(count) + " buffers", Baseline: grouped(baseline) + " buffers", Value: count / baseline, Threshold: atMost(1.5, 0),
		}
		switch {
		case r.Missed():
			missed = append(missed, r)
		case r.Value > worst.Value:
			worst = r
		}
	}
	if worst.Threshold == nil {
		return missed, nil
	}
	worst.What += fmt.Sprintf(" (the worst of the %d that hold the threshold)", len(queries)-len(missed))
	return append(missed, worst), nil
}

// deepPageBuffers returns, for each query, the page of the full history that touches the most buffers.
func (t *testbed) deepPageBuffers(ctx context.Context, s *server, queries []query) ([]Result, error) {
	first, err := t.countBuffers(ctx, s, queries[0].page(0, deepPageSize))
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, q := range queries {
		t.logf("buffers: pages of the full history, %s", q.name)
		pages, _, err := q.count(ctx, s, deepPageSize)
		if err != nil {
			return results, err
		}
		most, where := 0.0, ""
		for _, page := range []namedPage{{"the first", 0}, {"at 1 %", pages / 100}, {"the middle", pages / 2}, {"the last", pages - 1}} {
			count, err := t.countBuffers(ctx, s, q.page(page.number, deepPageSize))
			if err != nil {
				return results, err
			}
			if count > most {
				most, where = count, page.name
			}
		}
		r := Result{
			What:     fmt.Sprintf("most expensive page of the full history, %s: %s", q.name, where),
			Measured: grouped(most) + " buffers", Baseline: grouped(first) + " buffers (first page, no filter)", Value: most, Unit: " buffers",
		}
		if q.limit != 0 {
			r.Threshold = atMost(max(300, 3*first), 0)
		}
		results = append(results, r)
	}
	return results, nil
}
