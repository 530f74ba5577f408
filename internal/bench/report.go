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

// Report is what was measured, and on what.
type Report struct {
	Records int
	Slots   int
	Effort  Effort
	Rows    []ReportRow
	Took    time.Duration

	Date                                    time.Time
	Machine, Commit, Go, PostgreSQL, Memory string
}

// ReportRow are the figures of a row.
type ReportRow struct {
	Name    string
	What    string // is measured, in a sentence
	Figures []Figure
	Took    time.Duration
	missed  string
}

// Why says what was tried and what a profile shows, if a figure misses its bar; or "".
func (r ReportRow) Why() string {
	if slices.ContainsFunc(r.Figures, Figure.Missed) {
		return r.missed
	}
	return ""
}

func newReport(ctx context.Context, l *lab) (Report, error) {
	r := Report{
		Records: l.records, Slots: l.slots, Effort: l.effort, Date: time.Now().UTC(),
		Machine: machine(), Commit: "unknown", Go: strings.TrimPrefix(runtime.Version(), "go"),
	}
	if commit, err := output(ctx, "git", "-C", l.tree, "describe", "--always", "--dirty", "--abbrev=12"); err == nil {
		r.Commit = strings.TrimSpace(commit)
	}
	conn, err := pgx.Connect(ctx, l.url("postgres"))
	if err != nil {
		return r, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('shared_buffers')").Scan(&r.PostgreSQL, &r.Memory)
	r.PostgreSQL, _, _ = strings.Cut(r.PostgreSQL, " ")
	return r, err
}

var header = []string{"what", "measured", "against", "value", "bar", "aim", "pairs", "verdict"}

// WriteTable prints the figures for a terminal.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(append([]string{"row"}, header...), "\t"))
	for _, row := range r.Rows {
		for _, f := range row.Figures {
			fmt.Fprintln(table, strings.Join(append([]string{row.Name}, f.Cells()...), "\t"))
		}
	}
	return table.Flush()
}

//go:embed performance.md.tmpl
var page string

var pageTemplate = template.Must(template.New("docs/performance.md").Funcs(template.FuncMap{
	"grouped": func(n int) string { return grouped(float64(n)) },
	"header": func() string {
		return tableLine(header) + tableLine(strings.Split(strings.Repeat("-", len(header)), ""))
	},
	"line": func(f Figure) string {
		cells := f.Cells()
		if f.Missed() {
			cells[len(cells)-1] = "**MISSED**"
		}
		return tableLine(cells)
	},
}).Parse(page))

func tableLine(cells []string) string {
	for i, cell := range cells {
		if cells[i] = cell; cell == "-" {
			cells[i] = "---"
		}
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// WritePage writes docs/performance.md.
func (r Report) WritePage(w io.Writer) error { return pageTemplate.Execute(w, r) }

// Failed are the figures that something went wrong with.
func (r Report) Failed() []Figure {
	return r.all(func(f Figure) bool { return f.Failed != "" })
}

// Missed are the figures on the wrong side of their bars.
func (r Report) Missed() []Figure { return r.all(Figure.Missed) }

func (r Report) all(such func(Figure) bool) []Figure {
	var all []Figure
	for _, row := range r.Rows {
		for _, f := range row.Figures {
			if such(f) {
				all = append(all, f)
			}
		}
	}
	return all
}
