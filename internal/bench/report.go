package bench

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"
)

// Report holds the results of a run and describes the machine and the versions.
type Report struct {
	Records, Slots int
	Scenarios      []ScenarioReport
	Duration       time.Duration

	Date                                           time.Time
	Machine, Commit, Go, PostgreSQL, SharedBuffers string
}

// ScenarioReport holds the results of a scenario.
type ScenarioReport struct {
	Name, Description string
	Results           []Result
	missed            string
}

// Explanation returns the known causes if a result misses its threshold, or "".
func (s ScenarioReport) Explanation() string {
	if slices.ContainsFunc(s.Results, Result.Missed) {
		return s.missed
	}
	return ""
}

func newReport(ctx context.Context, t *testbed) (Report, error) {
	r := Report{
		Records: t.Records, Slots: t.slots, Date: time.Now().UTC(),
		Machine: machine(), Commit: "unknown", Go: strings.TrimPrefix(runtime.Version(), "go"),
	}
	if commit, err := output(ctx, "git", "-C", t.Tree, "describe", "--always", "--dirty", "--abbrev=12"); err == nil {
		r.Commit = strings.TrimSpace(commit)
	}
	conn, err := pgx.Connect(ctx, t.url("postgres"))
	if err != nil {
		return r, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('shared_buffers')").Scan(&r.PostgreSQL, &r.SharedBuffers)
	return r, err
}

// WriteTable prints the results for a terminal.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\t"+strings.Join(columns, "\t"))
	for _, s := range r.Scenarios {
		for _, result := range s.Results {
			fmt.Fprintln(table, s.Name+"\t"+strings.Join(result.Cells(), "\t"))
		}
	}
	return table.Flush()
}

//go:embed performance.md.tmpl
var page string

var pageTemplate = template.Must(template.New("docs/performance.md").Funcs(template.FuncMap{
	"grouped": func(n int) string { return grouped(float64(n)) },
	"header":  func() string { return tableLine(columns) + "\n|" + strings.Repeat(" --- |", len(columns)) },
	"line": func(r Result) string {
		return strings.ReplaceAll(tableLine(r.Cells()), "| MISSED |", "| **MISSED** |")
	},
}).Parse(page))

func tableLine(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// WritePage writes docs/performance.md.
func (r Report) WritePage(w io.Writer) error { return pageTemplate.Execute(w, r) }

// Failed returns the results that could not be measured because of an error.
func (r Report) Failed() []Result {
	return r.filter(func(result Result) bool { return result.Error != "" })
}

// Missed returns the results that miss their thresholds.
func (r Report) Missed() []Result { return r.filter(Result.Missed) }

func (r Report) filter(keep func(Result) bool) []Result {
	var kept []Result
	for _, s := range r.Scenarios {
		kept = append(kept, slices.DeleteFunc(slices.Clone(s.Results), func(result Result) bool { return !keep(result) })...)
	}
	return kept
}
