package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

var listing = scenario{
	name: "listing", measure: measureListing, description: `
The rate of default listings from a saturated server, with exact totals, 32 clients and an HS256 token. The baseline is
pgbench: 32 clients of PostgreSQL that read the same page without a total by a hand-written join of four tables, prepared
and planned once. The ratio is what HTTP, JSON, the token and the total leave of the possible rate. The baseline of the processor
time is the release before listings were written for speed, with the same records in a database of its own.`,
	missed: `Processor time: a quarter of it is system calls, of which the answer takes two, the question to PostgreSQL one and the access log
one. pgx takes another quarter, and appending the records a seventh (a profile of 20 a page).`,
}

// processorBaseline is the release before listings were written for speed.
const processorBaseline = "567c2bc"

// connections is how many clients send requests at the same time.
const connections = 32

func measureListing(ctx context.Context, t *testbed) ([]Result, error) {
	results, err := t.listingsAgainstPgbench(ctx)
	if reason, ok := errors.AsType[notRun](err); ok {
		results, err = append(results, Result{What: "default listing against pgbench", NotRun: reason.Error()}), nil
	}
	if err != nil {
		return results, err
	}
	more, err := t.processorTimes(ctx)
	return append(results, more...), err
}

func (t *testbed) listingsAgainstPgbench(ctx context.Context) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var results []Result
	for _, c := range []struct {
		pageSize  int
		threshold *Threshold
	}{{20, atLeast(0.65, 1.0)}, {100, atLeast(1.1, 1.3)}} {
		baseline := func(ctx context.Context) (float64, error) { return t.pgbenchRate(ctx, s.dataset, c.pageSize) }
		what := fmt.Sprintf("default listing, %d connections, %d a page, against pgbench", connections, c.pageSize)
		result, err := t.compareRates(ctx, what, t.listingRate(s, c.pageSize), baseline, c.threshold)
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}

// processorTimes compares the processor time of the server for a default listing with that of an earlier release.
func (t *testbed) processorTimes(ctx context.Context) ([]Result, error) {
	records := min(t.Records, 200_000)
	now, before, err := t.serveWithRelease(ctx, processorBaseline, "processor", records)
	if err != nil {
		return nil, err
	}
	defer now.stop()
	defer before.stop()
	var results []Result
	for _, pageSize := range []int{20, 100} {
		what := fmt.Sprintf("processor time of the server for a default listing of %s records, %d a page, against release %s", grouped(float64(records)), pageSize, processorBaseline)
		p, err := t.compare(ctx, what, t.processorTime(now, pageSize), t.processorTime(before, pageSize))
		if err != nil {
			return results, err
		}
		results = append(results, p.result(what, microseconds, atMost(0.7, 0.5)))
	}
	return results, nil
}

// processorTime measures the processor time, in seconds, that a saturated server takes for a default listing.
func (t *testbed) processorTime(s *server, pageSize int) measurement {
	rate := t.listingRate(s, pageSize)
	return func(ctx context.Context) (float64, error) {
		before := s.cpuTime()
		if before == 0 {
			return 0, notRun("this system does not report the processor time of a process")
		}
		var perSecond float64
		elapsed, err := timed(func() (err error) { perSecond, err = rate(ctx); return err })
		return (s.cpuTime() - before) / (perSecond * elapsed), err
	}
}

func listingPath(pageSize int) string {
	return "/v1/deployments?pagination.page_size=" + strconv.Itoa(pageSize)
}

// listingRate measures how many default listings a saturated server answers per second.
func (t *testbed) listingRate(s *server, pageSize int) measurement {
	request := s.request("GET", listingPath(pageSize), "")
	return func(ctx context.Context) (float64, error) {
		all, err := s.connect(ctx, connections, always(request))
		if err != nil {
			return 0, err
		}
		defer all.close()
		return all.saturate(ctx, t.Duration)
	}
}

// recordColumns are the columns that the API returns of a record.
const recordColumns = `r.id, r.environment_id, e.name, r.logical_environment_id, l.name, r.deployment_name, r.artifact_id, a.kind, a.name,
 a.version, a.digest, r.status, r.created_at, r.updated_at, r.last_seen_at`

// handwrittenPage reads the page of the default listing, as pgbench takes it.
const handwrittenPage = "SELECT " + recordColumns + `
 FROM current_slots s
 JOIN deployment_records r ON r.id = s.record_id
 JOIN environments e ON e.id = r.environment_id
 JOIN artifacts a ON a.id = r.artifact_id
 LEFT JOIN logical_environments l ON l.id = r.logical_environment_id
 WHERE s.organization_id = :organization
 ORDER BY s.created_at DESC, s.record_id DESC LIMIT %d;
`

// planOnce makes PostgreSQL plan a prepared statement once, as it does for the server.
const planOnce = "plan_cache_mode=force_generic_plan"

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbenchRate returns how many pages per second pgbench reads.
func (t *testbed) pgbenchRate(ctx context.Context, d *dataset, pageSize int) (float64, error) {
	script := filepath.Join(t.dir, fmt.Sprintf("page-%d.sql", pageSize))
	if err := os.WriteFile(script, fmt.Appendf(nil, handwrittenPage, pageSize), 0o600); err != nil {
		return 0, err
	}
	organization, err := d.organizationID(ctx)
	if err != nil {
		return 0, err
	}
	return t.pgbench(ctx, script, connections, t.url(d.name, planOnce), "-D", fmt.Sprint("organization=", organization))
}

// pgbench returns how many times per second clients run a script on a database.
func (t *testbed) pgbench(ctx context.Context, script string, clients int, url string, args ...string) (float64, error) {
	program := t.cluster.Program("pgbench")
	if _, err := os.Stat(program); err != nil {
		return 0, notRun("pgbench is not installed beside PostgreSQL's server")
	}
	args = append(args, "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2", "-f", script)
	// On a busy machine, a short run may end before the script does.
	for seconds := max(1, int(t.Duration/time.Second)); ; seconds *= 4 {
		out, err := output(ctx, program, append(slices.Clone(args), "-T", strconv.Itoa(seconds), url)...)
		if err != nil {
			return 0, err
		}
		if found := tps.FindStringSubmatch(out); found != nil {
			return strconv.ParseFloat(found[1], 64)
		}
		if seconds > 60 {
			return 0, fmt.Errorf("pgbench reports no rate:\n%s", out)
		}
	}
}
