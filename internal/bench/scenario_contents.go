package bench

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"
)

var contents = scenario{
	name: "contents", measure: measureContents, description: `
The duration of pages of the full history by a digest and by a project version that half of all records have: two artifacts
alternate in a thousand slots of a database of their own. The baseline is the first page without a filter. The first listing counts
the records, and the server then counts the artifacts. The pages are measured when they have counters.`,
}

func measureContents(ctx context.Context, t *testbed) ([]Result, error) {
	records := 2 * min(1_000_000, max(1_000, t.Records/10))
	d, err := t.filledDataset(ctx, fmt.Sprintf("contents_%d", records), records, func(d *dataset) error {
		lines := pipe(func(w io.Writer) error { return alternate(w, records) })
		defer lines.Close()
		_, _, err := importRecords(ctx, t.program, d.url, largeOrganization, lines)
		return err
	})
	if err != nil {
		return nil, err
	}
	s, err := t.serve(ctx, t.program, d)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	baseline := frequentValues{}.query(true).page(0, deepPageSize)
	var results []Result
	for _, q := range []query{
		{name: "artifact digest", values: url.Values{"artifact_digest": {alternatingDigest(0)}}},
		{name: "project version", values: url.Values{"project_name": {"app"}, "project_version_name": {"v0"}}},
	} {
		q.values.Set("full_history", "true")
		began := time.Now()
		pages, matches, err := q.count(ctx, s, deepPageSize)
		if err != nil {
			return results, err
		}
		first := time.Since(began)
		if first > fast {
			if err := untilFast(ctx, s, q); err != nil {
				return results, err
			}
		}
		results = append(results, Result{
			What:     fmt.Sprintf("first listing by the %s, and the time until its artifacts are counted (%s records)", q.name, grouped(float64(matches))),
			Measured: milliseconds(first.Seconds()), Baseline: milliseconds(time.Since(began).Seconds()),
		})
		for _, page := range []namedPage{{"first", 0}, {"middle", pages / 2}, {"last", pages - 1}} {
			p, err := t.comparePages(ctx, s, s, q.page(page.number, deepPageSize), baseline)
			if err != nil {
				return results, err
			}
			what := fmt.Sprintf("%s page of the full history, %s (%s records)", page.name, q.name, grouped(float64(matches)))
			results = append(results, p.result(what, milliseconds, atMost(3, 1.2)))
		}
	}
	return results, nil
}

// fast is how long a listing takes at most if its records are not counted one by one, with an empty cache.
const fast = 10 * time.Millisecond

// untilFast waits until a listing is fast.
func untilFast(ctx context.Context, s *server, q query) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		began := time.Now()
		if _, err := s.get(ctx, q.page(0, deepPageSize)); err != nil {
			return err
		}
		if time.Since(began) < fast {
			return nil
		}
	}
	return fmt.Errorf("%s: its artifacts are not counted after a minute", q.name)
}

// alternate writes lines for the import command, of two artifacts that supersede each other in each of a thousand slots. The project
// version of an artifact is named like it.
func alternate(w io.Writer, records int) error {
	const slots = 1000
	start := historyEnd.Add(-time.Duration(records+slots) * time.Second)
	for i := range records {
		created := start.Add(time.Duration(i) * time.Second)
		status, updated := "SUPERSEDED", created.Add(slots*time.Second)
		if i >= records-slots {
			status, updated = "DEPLOYED", created
		}
		artifact := i / slots % 2
		_, err := fmt.Fprintf(w, `{"id":"00000000-0000-4000-8000-%012x","environment_id":"00000000-0000-4000-9000-%012x","environment_name":"env-%[2]d",`+
			`"deployment_name":"app-%d","artifact_id":"00000000-0000-4000-a000-%012x","artifact":{"kind":"CONTAINER_IMAGE","name":"app","version":"%[4]d","digest":%q},`+
			`"status":%q,"created_at":%q,"updated_at":%q,"last_seen_at":%[7]q,"project_versions":[{"project_name":"app","project_version_name":"v%[4]d"}]}`+"\n",
			i, i%100, i%slots, artifact, alternatingDigest(artifact), status, created.Format(time.RFC3339), updated.Format(time.RFC3339))
		if err != nil {
			return err
		}
	}
	return nil
}

func alternatingDigest(artifact int) string { return fmt.Sprintf("sha256:%064x", artifact) }
