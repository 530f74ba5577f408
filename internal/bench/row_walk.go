package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
)

// walkPageSize is the greatest that servers allow by default.
const walkPageSize = 100

// walk is one client that reads the whole history of an organization, page after page, against COPY of the same rows.
func walk(ctx context.Context, l *lab) ([]Figure, error) {
	// What a walk takes goes by the records, so more than a million tell nothing else and take hours.
	d, err := l.dataset(ctx, min(l.records, 1_000_000))
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	conn, err := pgx.Connect(ctx, l.url(d.name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	walked, records := 0, d.records/10*9
	copied := func(ctx context.Context) (float64, error) {
		return timed(func() error {
			tag, err := conn.PgConn().CopyTo(ctx, io.Discard, naturalHistory)
			if err == nil && tag.RowsAffected() != int64(records) {
				err = fmt.Errorf("COPY gave %d records", tag.RowsAffected())
			}
			return err
		})
	}
	if err := warmUp(ctx, copied); err != nil {
		return nil, err
	}
	p, err := l.measure(ctx, "walk", func(ctx context.Context) (seconds float64, err error) {
		walked, seconds, err = s.walk(ctx, l.effort.MostPerRow)
		return seconds, err
	}, copied)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("a walk of %s records over HTTP, %d a page", grouped(float64(records)), walkPageSize)
	if walked < records {
		what += fmt.Sprintf(" (given up at record %s)", grouped(float64(walked)))
	}
	return []Figure{
		{
			What: what + ", against COPY", Measured: decimal(p.a) + " s", Against: decimal(p.b) + " s",
			Value: p.ratio, Limit: atMost(8, 3), Pairs: p.n,
		},
		memoryFigure("memory of the server during the walk", s.peakMemory()),
	}, nil
}

// naturalHistory gives the great organization's records with the columns that the API gives.
const naturalHistory = `COPY (SELECT r.id, r.environment_id, e.name, r.logical_environment_id, l.name, r.deployment_name, r.artifact_id, a.kind, a.name,
 a.version, a.digest, r.status, r.created_at, r.updated_at, r.last_seen_at
 FROM deployment_records r
 JOIN organizations o ON o.id = r.organization_id AND o.key = '` + great + `'
 JOIN environments e ON e.id = r.environment_id
 JOIN artifacts a ON a.id = r.artifact_id
 LEFT JOIN logical_environments l ON l.id = r.logical_environment_id) TO STDOUT`

// walk asks for every page of the full history and counts what is on them: all that the server says there are, unless
// it takes longer than most, after which it gives up.
func (s *server) walk(ctx context.Context, most time.Duration) (walked int, seconds float64, err error) {
	everything := filter{values: url.Values{}}
	pages, records, err := everything.pages(ctx, s, walkPageSize)
	if err != nil {
		return 0, 0, err
	}
	c, err := dial(ctx, s.address)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	var body bytes.Buffer
	start := time.Now()
	for number := range pages {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		if time.Since(start) > most {
			return walked, time.Since(start).Seconds(), nil
		}
		if err := c.do(s.request("GET", everything.page(number, walkPageSize), ""), &body); err != nil {
			return 0, 0, err
		}
		walked += bytes.Count(body.Bytes(), []byte(`"last_seen_at":`))
	}
	if walked != records {
		err = fmt.Errorf("the walk met %d records of %d", walked, records)
	}
	return walked, time.Since(start).Seconds(), err
}

// memoryFigure is a peak, in bytes.
func memoryFigure(what string, peak int) Figure {
	if peak == 0 {
		return Figure{What: what, NotRun: "this system does not tell the peak of a process's memory"}
	}
	megabytes := float64(peak) / (1 << 20)
	return Figure{What: what, Measured: decimal(megabytes) + " MiB", Value: megabytes, Unit: " MiB", Limit: atMost(256, 128)}
}
