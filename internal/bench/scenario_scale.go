package bench

import (
	"context"
	"fmt"
)

var scale = scenario{name: "scale", measure: measureScale, description: `
The rate of default listings of ten million records. The baseline is the rate with one million records in as many slots.
The ratio shows whether the cost of the current state grows with the history.`}

func measureScale(ctx context.Context, t *testbed) ([]Result, error) {
	const minRecords, factor = 10_000_000, 10
	if t.Records < minRecords {
		return nil, notRun("it needs RECORDS=10000000")
	}
	large, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer large.stop()
	small, err := t.serveRecords(ctx, t.Records/factor)
	if err != nil {
		return nil, err
	}
	defer small.stop()
	var results []Result
	for _, pageSize := range []int{20, 100} {
		what := fmt.Sprintf("default listing, %d a page, of %s records against %s", pageSize, grouped(float64(t.Records)), grouped(float64(t.Records/factor)))
		result, err := t.compareRates(ctx, what, t.listingRate(large, pageSize), t.listingRate(small, pageSize), atLeast(0.8, 0.95))
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}
