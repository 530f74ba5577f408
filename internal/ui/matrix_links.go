package ui

import (
	"net/url"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/matrix"
)

// cellLinks makes the links of cells. The parts that all cells share are encoded once.
type cellLinks struct {
	// history is the path of earlier records of a cell, records that of its records. unstaged is that of the environments of records
	// without a logical environment, which no filter selects. The deployment name follows each of them.
	history, records, unstaged string
	// columns are the parameters of the columns, which follow the deployment name; "" for records without a logical environment.
	columns []string
}

// newCellLinks returns the links of the cells of a query. They keep its filters, besides the page of a slot, which has all of its
// history.
func newCellLinks(q *filters.Request, columns []matrix.Column, grouping deployments.Grouping) cellLinks {
	parameter := "logical_environment_name"
	if grouping == deployments.ByEnvironment {
		parameter = "environment_name"
	}
	const deployment = "deployment_name="
	with := func(path string, pairs ...string) string {
		return filters.Prefix(q.With(path, append([]string{"deployment_name", "", parameter, "", "by", "", "pagination.page_size", ""}, pairs...)...)) + deployment
	}
	links := cellLinks{
		history: with("/records", "full_history", filters.AllRecords, "status", ""), records: with("/records"), unstaged: with("/", "by", byEnvironment),
	}
	if grouping == deployments.ByEnvironment {
		links.history = filters.Prefix("/slot") + deployment
	}
	for _, column := range columns {
		if column.Name != "" {
			links.columns = append(links.columns, "&"+parameter+"="+url.QueryEscape(column.Name))
		} else {
			links.columns = append(links.columns, "")
		}
	}
	return links
}

// cell returns the paths of what ran in a cell before, and of the records of the cell.
func (l cellLinks) cell(deployment string, column int) (history, records string) {
	name, parameter := url.QueryEscape(deployment), l.columns[column]
	if parameter == "" {
		return l.unstaged + name, l.records + name
	}
	return l.history + name + parameter, l.records + name + parameter
}
