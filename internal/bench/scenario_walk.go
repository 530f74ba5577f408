package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

var walk = scenario{
	name: "walk", measure: measureWalk, description: `
How long one client takes to read the full history of an organization, page by page. The baseline is COPY (SELECT ...) TO
STDOUT of the same rows and columns, the fastest export of PostgreSQL. The ratio is the cost of pages, HTTP and JSON.`,
	missed: `Walk: PostgreSQL and the server, which scans rows and writes JSON, each take half of the time.`,
}

// walkPageSize is the largest page size that a server accepts by default.
const walkPageSize = 100

func measureWalk(ctx context.Context, t *testbed) ([]Result, error) {
	// The duration is proportional to the records: more than a million would take hours and show the same ratio.
	s, err := t.serveRecords(ctx, min(t.Records, 1_000_000))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	conn, err := pgx.Connect(ctx, t.url(s.name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	walked, records := 0, ofLargeOrganization(s.records)
	walk := func(ctx context.Context) (duration float64, err error) {
		walked, duration, err = s.walk(ctx, t.MaxDuration)
		return duration, err
	}
	export := func(ctx context.Context) (float64, error) {
		return timed(func() error {
			tag, err := conn.PgConn().CopyTo(ctx, io.Discard, copyHistory)
			if err == nil && tag.RowsAffected() != int64(records) {
				err = fmt.Errorf("COPY returned %d records, not %d", tag.RowsAffected(), records)
			}
			return err
		})
	}
	if _, err := export(ctx); err != nil { // warm up
		return nil, err
	}
	p, err := t.compare(ctx, "walk", walk, export)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("a walk of %s records over HTTP, %d a page", grouped(float64(records)), walkPageSize)
	if walked < records {
		what += fmt.Sprintf(" (stopped at record %s)", grouped(float64(walked)))
	}
	return []Result{
		p.result(what+", against COPY", seconds, atMost(4, 3)),
		memoryResult("memory of the server during the walk", peakMemory(s.cmd.Process.Pid)),
	}, nil
}

// copyHistory exports the large organization's records with the columns that the API returns.
const copyHistory = "COPY (SELECT " + recordColumns + `
 FROM deployment_records r
 JOIN organizations o ON o.id = r.organization_id AND o.key = '` + largeOrganization + `'
 JOIN environments e ON e.id = r.environment_id
 JOIN artifacts a ON a.id = r.artifact_id
 LEFT JOIN logical_environments l ON l.id = r.logical_environment_id) TO STDOUT`

// walk reads every page of the full history and counts its records, which must be as many as the server's total. It stops
// without an error after maxDuration.
func (s *server) walk(ctx context.Context, maxDuration time.Duration) (walked int, duration float64, err error) {
	q := frequentValues{}.query(true)
	pages, records, err := q.count(ctx, s, walkPageSize)
	if err != nil {
		return 0, 0, err
	}
	c, err := dial(ctx, s.address)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	var body bytes.Buffer
	start := time.Now()
	for number := range pages {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		if time.Since(start) > maxDuration {
			return walked, time.Since(start).Seconds(), nil
		}
		body.Reset()
		if err := c.do(s.request("GET", q.page(number, walkPageSize), ""), &body); err != nil {
			return 0, 0, err
		}
		walked += bytes.Count(body.Bytes(), []byte(`"last_seen_at":`))
	}
	if walked != records {
		err = fmt.Errorf("the walk read %d records of %d", walked, records)
	}
	return walked, time.Since(start).Seconds(), err
}

// memoryResult judges a peak of memory in bytes.
func memoryResult(what string, peak int) Result {
	if peak == 0 {
		return Result{What: what, NotRun: "this system does not report the peak memory of a process"}
	}
	mebibytes := float64(peak) / (1 << 20)
	return Result{What: what, Measured: decimal(mebibytes) + " MiB", Value: mebibytes, Unit: " MiB", Threshold: atMost(128, 64)}
}
