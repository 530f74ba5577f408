package bench

import (
	"context"
	"fmt"
)

var matrix = scenario{name: "matrix", measure: measureMatrix, description: `
The time of the page with what runs where, from the request to the end of the response, by logical environment and by
environment, for one client. The baseline is the default listing with 100 records a page. The overview counts the
deployed records of each deployment name of the organization, and groups those of a page, both by one index alone. The scenario
sqlite measures the same on an SQLite file.`}

func measureMatrix(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	return t.compareMatrix(ctx, s, "")
}

// compareMatrix compares the times of the pages of the matrix with that of the default listing. prefix begins the names of the results.
func (t *testbed) compareMatrix(ctx context.Context, s *server, prefix string) ([]Result, error) {
	var results []Result
	for _, page := range []struct{ name, path string }{{"logical environment", "/"}, {"environment", "/?by=environment"}} {
		p, err := t.comparePages(ctx, s, s, page.path, listingPath(100))
		if err != nil {
			return results, err
		}
		what := fmt.Sprintf("%smatrix by %s against the default listing, 100 a page", prefix, page.name)
		results = append(results, p.result(what, milliseconds, atMost(20, 10)))
	}
	return results, nil
}
