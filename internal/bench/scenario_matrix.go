package bench

import (
	"context"
	"fmt"
)

var matrix = scenario{name: "matrix", measure: measureMatrix, description: `
The time of the page with what runs where, from the request to the end of the response, by logical environment and by
environment, for one client. The baseline is the default listing with 100 records a page. The overview groups
every deployed record of the organization.`, missed: `
With 18,000 slots, the statement reads as many deployed records from the table. An index that covers what it groups by has not
been tried: every recording would maintain it.`}

func measureMatrix(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var results []Result
	for _, page := range []struct{ name, path string }{{"logical environment", "/"}, {"environment", "/?by=environment"}} {
		p, err := t.compareRequests(ctx, c, s.request("GET", page.path, ""), s.request("GET", listingPath(100), ""))
		if err != nil {
			return results, err
		}
		results = append(results, p.result(fmt.Sprintf("matrix by %s against the default listing, 100 a page", page.name), milliseconds, atMost(20, 10)))
	}
	return results, nil
}
