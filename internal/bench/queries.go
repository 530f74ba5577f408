package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is a listing with filters.
type query struct {
	name   string // the filters in words
	values url.Values
	limit  float64 // of the duration of its deep pages against the first page without a filter; 0 is none, also for their buffers
}

// query returns a listing of the current state or of the full history. A filter is a parameter, which gets the value that
// most slots or most records have, or a parameter and its value ("status=DEPLOYED").
func (v frequentValues) query(isFull bool, filters ...string) query {
	frequent := map[string]string{
		"environment_name": v.environment, "logical_environment_name": v.logicalEnvironment,
		"project_name": v.project, "project_version_name": v.projectVersion,
		"artifact_kind": "CONTAINER_IMAGE", "artifact_digest": v.digest,
		"status": "DEPLOYED", "deployment_name": v.slotDeployment,
	}
	q := query{name: "no filter", values: url.Values{}}
	if isFull {
		q.values.Set("full_history", "true")
		frequent["status"], frequent["deployment_name"] = "SUPERSEDED", v.deployment
	}
	if slices.Contains(filters, "environment_name") {
		// An environment has records of its own logical environments only.
		frequent["logical_environment_name"] = v.environmentLogicalEnvironment
	}
	var names []string
	for _, filter := range filters {
		parameter, value, given := strings.Cut(filter, "=")
		if !given {
			value = frequent[parameter]
		}
		q.values.Set(parameter, value)
		names = append(names, strings.NewReplacer("_name", "", "_", " ", "=", " ").Replace(filter))
	}
	if len(names) > 0 {
		q.name = strings.Join(names, " and ")
	}
	return q
}

// firstPageQueries are every filter alone, every combination of environment, logical environment, status and kind, and
// the less frequent statuses.
func (v frequentValues) firstPageQueries(isFull bool) []query {
	combinations := [][]string{nil}
	for _, filter := range []string{"environment_name", "logical_environment_name", "status", "artifact_kind"} {
		for _, others := range slices.Clone(combinations) {
			combinations = append(combinations, append(slices.Clone(others), filter))
		}
	}
	combinations = append(combinations, []string{"deployment_name"}, []string{"project_name"},
		[]string{"project_name", "project_version_name"}, []string{"artifact_digest"}, []string{"status=DECOMMISSIONED"})
	if isFull {
		combinations = append(combinations, []string{"status=DEPLOYED"})
	}
	var all []query
	for _, filters := range combinations {
		all = append(all, v.query(isFull, filters...))
	}
	return all
}

// deepPairs are the queries of the full history by each two of these filters. A pair may have no record.
func (v frequentValues) deepPairs() []query {
	filters := []string{"environment_name", "logical_environment_name", "status", "artifact_kind", "deployment_name", "project_name"}
	var all []query
	for i, first := range filters {
		for _, second := range filters[i+1:] {
			q := v.query(true, first, second)
			q.limit = 3
			all = append(all, q)
		}
	}
	return all
}

// deepQueries are the queries of the full history whose deep pages are measured, the one without a filter first.
func (v frequentValues) deepQueries() []query {
	var all []query
	for _, filters := range [][]string{{}, {"environment_name"}, {"logical_environment_name"}, {"status"}, {"artifact_kind"}, {"deployment_name"}, {"project_name"}} {
		q := v.query(true, filters...)
		q.limit = 1.5
		all = append(all, q)
	}
	return append(all, v.query(true, "artifact_digest"))
}

// page returns the path and query of a page. Pages are numbered from 0.
func (q query) page(number, size int) string {
	values := maps.Clone(q.values)
	values.Set("pagination.page", strconv.Itoa(number))
	values.Set("pagination.page_size", strconv.Itoa(size))
	return "/v1/deployments?" + values.Encode()
}

// errNoRecords is the error of count for a query without records.
var errNoRecords = errors.New("no records")

// count requests the number of pages and of records, at least one.
func (q query) count(ctx context.Context, s *server, pageSize int) (pages, records int, err error) {
	body, err := s.get(ctx, q.page(0, pageSize))
	if err != nil {
		return 0, 0, err
	}
	var list struct {
		Pagination struct {
			Pages   int `json:"total_pages"`
			Records int `json:"total_count"`
		} `json:"pagination"`
	}
	if err = json.Unmarshal(body, &list); err == nil && list.Pagination.Pages == 0 {
		err = fmt.Errorf("%s: %w", q.page(0, pageSize), errNoRecords)
	}
	return list.Pagination.Pages, list.Pagination.Records, err
}
