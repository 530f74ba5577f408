package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/deployrecords/deployrecords/internal/contract"
)

var batches = scenario{name: "batches", measure: measureBatches, description: `
How long a batch of 5,000 items takes of which each supersedes a record. The baseline is the batch before it, of the first
records of the same 5,000 slots. The ratio is the cost of finding and changing what was recorded before.`}

// batchItems is the largest number of items that a batch may have.
const batchItems = 5000

func measureBatches(ctx context.Context, t *testbed) ([]Result, error) {
	postgres, err := t.emptyDataset(ctx, "batches")
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, d := range []*dataset{postgres, t.sqliteFile("batches")} {
		result, err := t.supersedingBatches(ctx, d)
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}

func (t *testbed) supersedingBatches(ctx context.Context, d *dataset) (Result, error) {
	s, err := t.serve(ctx, t.program, d)
	if err != nil {
		return Result{}, err
	}
	defer s.stop()
	c, err := dial(ctx, s.address)
	if err != nil {
		return Result{}, err
	}
	defer c.Close()
	items := min(batchItems, t.Records)
	var p pairs
	for n := range 1 + t.Pairs { // the first pair warms up
		t.logf("batches, %s: pair %d of %d", d.name, n, t.Pairs)
		var durations [2]float64
		for round := range durations {
			request := s.request("POST", contract.RecordingPath+"/batch", newArtifactsBatch(fmt.Sprint("env-", n), round, items))
			if durations[round], err = timed(func() error { return c.do(request, io.Discard) }); err != nil {
				return Result{}, err
			}
		}
		if n > 0 {
			p.add(durations[1], durations[0])
		}
	}
	what := fmt.Sprintf("%s: a batch of %s that all supersede, against their first records", d.name, grouped(float64(items)))
	return p.result(what, milliseconds, atMost(2, 1.2)), nil
}

// newArtifactsBatch returns a batch that records a new artifact in each of the environment's slots.
func newArtifactsBatch(environment string, round, items int) string {
	var body bytes.Buffer
	for i := range items {
		if i > 0 {
			body.WriteByte(',')
		}
		version := fmt.Sprint(environment, ".", round)
		fmt.Fprintf(&body, `{"environment_name":%q,"deployment_name":"app-%d","kind":"CONTAINER_IMAGE","artifact_name":"app-%d","artifact_version":%q,"artifact_digest":"sha256:%x"}`,
			environment, i, i, version, sha256.Sum256(fmt.Append(nil, version, i)))
	}
	return `{"deployments":[` + body.String() + `]}`
}
