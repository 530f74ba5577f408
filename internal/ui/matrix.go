package ui

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/matrix"
	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// The rows and columns on a page of the matrix: a page of 5,000 cells stays below 2 MB.
const (
	rowsByLogicalEnvironment, columnsByLogicalEnvironment = 100, 50
	rowsByEnvironment, columnsByEnvironment               = 25, 200
)

// byEnvironment is the value of the parameter by for columns by environment.
const byEnvironment = "environment"

// running selects what runs now: by L1 also where a slot has an image and a chart.
var running = url.Values{"full_history": {filters.AllRecords}, "status": {filters.Deployed}}

// matrixPage is the content of the matrix.
type matrixPage struct {
	*filters.Request
	matrix.Matrix
	Pager             filters.Pager
	ColumnPager       filters.Pager
	Records           int64
	ByEnvironment     bool
	Mixed, Differs    int
	IsRunning         bool
	IsLatest          bool
	Running, Latest   string // links
	ByStage, ByEach   string
	Table             string
	CSV, NDJSON, JSON string
	links             cellLinks
}

// maxVersions is the number of versions that a cell shows.
const maxVersions = 4

func (u *UI) matrix(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, running)
	if err != nil {
		return err
	}
	content := matrixPage{Request: q}
	columns := deployments.Columns{Grouping: deployments.ByLogicalEnvironment}
	rows, width, thing := int32(rowsByLogicalEnvironment), int32(columnsByLogicalEnvironment), "logical environment"
	switch by := r.URL.Query().Get("by"); by {
	case byEnvironment:
		columns.Grouping, content.ByEnvironment = deployments.ByEnvironment, true
		rows, width, thing = rowsByEnvironment, columnsByEnvironment, "environment"
	case "", "logical_environment":
	default:
		q.Violations, q.Invalid = append(q.Violations, "by: "+deployments.Quote(by)+" is neither logical_environment nor environment"), true
	}
	columns.Page = q.ColumnPage(width)
	name := columnFilter(q.Query, columns.Grouping)
	if name != "" { // leaves one column, which is the first: it alone has matching records
		columns.Page.Number = 0
	}
	content.IsRunning = q.Values.Get("full_history") == filters.AllRecords && q.Values.Get("status") == filters.Deployed
	content.IsLatest = !q.Invalid && q.History == deployments.Latest && q.Status == deployments.AnyStatus
	content.Running = q.With("/", "full_history", "", "status", "")
	content.Latest = q.With("/", "full_history", "false", "status", "")
	content.ByStage, content.ByEach = q.With("/", "by", ""), q.With("/", "by", byEnvironment)
	content.Table = q.With("/records", "by", "", "pagination.page_size", "")
	content.CSV, content.NDJSON, content.JSON = q.Exports()
	status := http.StatusBadRequest
	if !q.Invalid {
		status = http.StatusOK
		q.Page.Size = min(q.Page.Size, rows)
		overview, err := u.Store.Overview(r.Context(), v.Scope, q.Query, columns)
		if err != nil {
			return err
		}
		if name != "" {
			overview.Columns = slices.DeleteFunc(overview.Columns, func(column string) bool { return column != name })
			overview.TotalColumns = int64(len(overview.Columns))
		}
		content.show(overview, columns.Grouping, u.order)
		content.ColumnPager = q.ColumnPages(columns.Page, len(overview.Columns), overview.TotalColumns, thing)
		content.Pager = q.Pages(u.Paging, len(content.Rows), overview.Deployments, "deployment")
	}
	u.render(w, r, status, "matrix", render.Page{Title: "What runs where", Viewer: &v, Active: "/", Refreshes: !q.Invalid, Content: content})
	return nil
}

// columnFilter returns the name of the column that the query is limited to, or "".
func columnFilter(q deployments.Query, grouping deployments.Grouping) string {
	if grouping == deployments.ByEnvironment {
		return q.EnvironmentName
	}
	return q.LogicalEnvironmentName
}

func (c *matrixPage) show(overview deployments.Overview, grouping deployments.Grouping, order matrix.Order) {
	c.Records = overview.Records
	c.Matrix = matrix.New(overview, grouping, order)
	c.links = newCellLinks(c.Request, c.Columns, grouping)
	for _, row := range c.Rows {
		for _, cell := range row.Cells {
			if cell.Mixed {
				c.Mixed++
			}
			if cell.Differs {
				c.Differs++
			}
		}
	}
}

// CellsOf returns the cells of a row with their links.
func (c matrixPage) CellsOf(row matrix.Row) []render.Cell {
	cells := make([]render.Cell, len(row.Cells))
	for i, cell := range row.Cells {
		if len(cell.Versions) == 0 {
			continue
		}
		shown := min(len(cell.Versions), maxVersions)
		cells[i] = render.Cell{Cell: cell, Shown: cell.Versions[:shown], More: int64(len(cell.Versions)-shown) + cell.Omitted}
		cells[i].Link, cells[i].MoreLink = c.links.cell(row.Deployment, i)
	}
	return cells
}

// ColumnLink returns the path of what a column has.
func (c matrixPage) ColumnLink(column matrix.Column) string {
	if c.ByEnvironment {
		return filters.Link("/environment", filters.Query("environment_name", column.Name))
	}
	return c.With("/", "by", byEnvironment, "logical_environment_name", column.Name)
}

// RowLink returns the path of everything that a deployment has.
func (c matrixPage) RowLink(deployment string) string {
	return c.With("/", "by", byEnvironment, "deployment_name", deployment)
}
