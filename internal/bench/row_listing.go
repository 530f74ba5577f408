package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// connections is how many clients ask at once.
const connections = 32

// listing is the default listing, served by the whole server, against pgbench on the SQL that one would write for its
// page by hand: what would be left if the server, its JSON, the token and the exact total cost nothing.
func listing(ctx context.Context, l *lab) ([]Figure, error) {
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
	for _, c := range []struct {
		size  int
		limit *Limit
	}{{20, atLeast(0.30, 0.7)}, {100, atLeast(0.35, 1.0)}} {
		served := servedRate(l, s, c.size)
		bare := func(ctx context.Context) (float64, error) { return l.pgbench(ctx, d, c.size) }
		if err := warmUp(ctx, served, bare); err != nil {
			return figures, err
		}
		p, err := l.measure(ctx, fmt.Sprintf("listing, %d a page", c.size), served, bare)
		if err != nil {
			return figures, err
		}
		figures = append(figures, Figure{
			What:     fmt.Sprintf("default listing, %d connections, %d a page, against pgbench", connections, c.size),
			Measured: perSecond(p.a), Against: perSecond(p.b), Value: p.ratio, Limit: c.limit, Pairs: p.n,
		})
	}
	return figures, nil
}

func listingPath(size int) string {
	return "/v1/deployments?pagination.page_size=" + strconv.Itoa(size)
}

// servedRate measures how many default listings a second a saturated server answers.
func servedRate(l *lab, s *server, size int) measurement {
	request := s.request("GET", listingPath(size), "")
	return func(ctx context.Context) (float64, error) {
		all, err := s.clients(ctx, connections, always(request))
		if err != nil {
			return 0, err
		}
		defer all.close()
		return saturate(ctx, all, l.effort.Span)
	}
}

// warmUp measures once for nothing: caches fill, plans are made.
func warmUp(ctx context.Context, all ...measurement) error {
	for _, measure := range all {
		if _, err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// naturalPage is the four-join SQL for the page of the default listing.
const naturalPage = `SELECT r.id, r.environment_id, e.name, r.logical_environment_id, l.name, r.deployment_name, r.artifact_id, a.kind, a.name,
 a.version, a.digest, r.status, r.created_at, r.updated_at, r.last_seen_at
 FROM current_slots s
 JOIN deployment_records r ON r.id = s.record_id
 JOIN environments e ON e.id = r.environment_id
 JOIN artifacts a ON a.id = r.artifact_id
 LEFT JOIN logical_environments l ON l.id = r.logical_environment_id
 WHERE s.organization_id = :organization
 ORDER BY s.created_at DESC, s.record_id DESC LIMIT %d;
`

var transactionsPerSecond = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench gives how many such pages a second PostgreSQL makes for its own client, with as many connections as the
// server has clients, with statements prepared, and planned once as the server's are.
func (l *lab) pgbench(ctx context.Context, d *dataset, size int) (float64, error) {
	program := l.cluster.Program("pgbench")
	if _, err := os.Stat(program); err != nil {
		return 0, notRun("pgbench is not installed beside PostgreSQL's server")
	}
	script := filepath.Join(l.dir, fmt.Sprintf("page-%d.sql", size))
	if err := os.WriteFile(script, fmt.Appendf(nil, naturalPage, size), 0o600); err != nil {
		return 0, err
	}
	organization, err := d.organization(ctx)
	if err != nil {
		return 0, err
	}
	out, err := output(ctx, program, "-n", "-M", "prepared", "-c", strconv.Itoa(connections), "-j", "2",
		"-T", strconv.Itoa(max(1, int(l.effort.Span/time.Second))), "-f", script, "-D", fmt.Sprint("organization=", organization),
		l.url(d.name, "plan_cache_mode=force_generic_plan"))
	if err != nil {
		return 0, err
	}
	found := transactionsPerSecond.FindStringSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench does not tell its rate:\n%s", out)
	}
	return strconv.ParseFloat(found[1], 64)
}
