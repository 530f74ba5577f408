package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/contract"
)

var recordings = scenario{
	name: "recordings", measure: measureRecordings, description: `
The rate of single recordings by eight clients, each in a random slot. The baseline is the release before totals and deep
pages became fast, with the same records in a database of its own. The ratio is what counters and milestones cost writers. The
second baseline is pgbench, whose eight clients write what a recording adds and changes to tables with four indexes and without
counters: the ratio is what HTTP, the rules of recording, locks, totals and the default listing leave of the possible rate.`,
	missed: `Recordings: each client waits for its answer, so eight of them form groups of at most eight. A group takes the statements of one
recording ([the walk of a recording](architecture.md#the-walk-of-a-recording)), of which five find and lock what the rules decide
by; the hand-written transaction has three. [ADR 0025](adr/0025-group-commit.md) has the rates of more clients.`,
}

const (
	baselineCommit = "1a4a064"
	baselinePath   = "/v1/deployments" // of its recording operation
	writers        = 8
)

func measureRecordings(ctx context.Context, t *testbed) ([]Result, error) {
	records := min(t.Records, max(2_000, t.Records/5), 1_000_000)
	now, before, err := t.serveWithRelease(ctx, baselineCommit, "recordings", records)
	if err != nil {
		return nil, err
	}
	defer now.stop()
	defer before.stop()
	var rates []measurement
	for _, release := range []struct {
		*server
		path string
	}{{now, contract.RecordingPath}, {before, baselinePath}} {
		slots, err := t.slotNames(ctx, release.dataset)
		if err != nil {
			return nil, err
		}
		rates = append(rates, t.recordingRate(release.server, release.path, slots))
	}
	what := fmt.Sprintf("single recordings, %d writers on one organization of %s records, against release %s",
		writers, grouped(float64(ofLargeOrganization(records))), baselineCommit)
	result, err := t.compareRates(ctx, what, rates[0], rates[1], atLeast(0.8, 0.95))
	if err != nil {
		return nil, err
	}
	results := []Result{result}
	handwritten, err := t.handwrittenRecordings(ctx, now.name)
	if err != nil {
		return results, err
	}
	what = fmt.Sprintf("single recordings, %d writers, against the writes of a recording in a hand-written schema by pgbench", writers)
	result, err = t.compareRates(ctx, what, rates[0], handwritten, atLeast(0.6, 0.9))
	if err != nil {
		return results, err
	}
	return append(results, result), nil
}

// slotNames are the names that identify a slot.
type slotNames struct{ Environment, LogicalEnvironment, Deployment string }

// slotNames returns a thousand slots of the large organization.
func (t *testbed) slotNames(ctx context.Context, d *dataset) ([]slotNames, error) {
	conn, err := pgx.Connect(ctx, t.url(d.name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT e.name, coalesce(l.name, ''), s.deployment_name
 FROM current_slots s
 JOIN organizations o ON o.id = s.organization_id AND o.key = '`+largeOrganization+`'
 JOIN environments e ON e.id = s.environment_id
 LEFT JOIN logical_environments l ON l.id = s.logical_environment_id
 ORDER BY md5(e.name || s.deployment_name) LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[slotNames])
}

// recordingRate measures how many new artifacts per second clients record in random slots, by requests to the path.
func (t *testbed) recordingRate(s *server, path string, slots []slotNames) measurement {
	run := 0
	return func(ctx context.Context) (float64, error) {
		run++
		all, err := s.connect(ctx, writers, func(writer int) func() []byte {
			random := rand.New(rand.NewPCG(uint64(run), uint64(writer)))
			n := 0
			return func() []byte {
				n++
				slot := slots[random.IntN(len(slots))]
				version := fmt.Sprintf("bench-%d-%d-%d", run, writer, n)
				logical := ""
				if slot.LogicalEnvironment != "" {
					logical = fmt.Sprintf(`,"logical_environment_name":%q`, slot.LogicalEnvironment)
				}
				return s.request("POST", path, fmt.Sprintf(
					`{"environment_name":%q,"deployment_name":%q%s,"kind":"CONTAINER_IMAGE","artifact_name":"registry.example.com/%s","artifact_version":%q,"artifact_digest":"sha256:%x"}`,
					slot.Environment, slot.Deployment, logical, slot.Deployment, version, sha256.Sum256([]byte(version))))
			}
		})
		if err != nil {
			return 0, err
		}
		defer all.close()
		return all.saturate(ctx, t.Duration)
	}
}
