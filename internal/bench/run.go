package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options say what to measure.
type Options struct {
	// Records is how many a database has, at least 1,000.
	Records int
	// Row is the name of the one row to run; "" runs all.
	Row string
	// Tree is the root of the project: what is measured is the program that it makes.
	Tree   string
	Effort Effort
	// Progress is told what goes on.
	Progress io.Writer
}

// Effort is how long measurements take.
type Effort struct {
	// Pairs is how many there are of a figure.
	Pairs int
	// Span is how long one is, where that can be chosen.
	Span time.Duration
	// MostPerRow ends the pairs of a row early whose measurements take long.
	MostPerRow time.Duration
}

// DefaultEffort is what the figures of docs/performance.md are made with.
func DefaultEffort() Effort {
	return Effort{Pairs: 7, Span: 3 * time.Second, MostPerRow: 4 * time.Minute}
}

// row is a part of the table.
type row struct {
	name string
	what string // for the page
	// run gives the figures that were found before an error, too: they took long to find.
	run func(context.Context, *lab) ([]Figure, error)
	// missed says what was tried and what a profile shows, for the page, should the row miss a bar.
	missed string
}

var rows = []row{
	{"listing", `The default listing, with its exact total, asked for by 32 clients at once with an HS256 token, against pgbench: 32 clients
of PostgreSQL that ask for the same page without a total, by the four-join SQL that one would write by hand, prepared and planned once.`, listing, ""},
	{"scale", `The same listing of ten million records against that of one million in as many slots.`, scale, ""},
	{"latency", `How much longer the slowest of a hundred requests takes than the middle one, at half of what the server can do.`, latency, latencyMissed},
	{"deep", `The middle and the last page of the full history, 20 a page, against its first page without a filter; one client.`, deep, deepMissed},
	{"buffers", `Counted, not timed: the shared buffers that PostgreSQL touches for the server's own statements, by its module auto_explain.`, buffers, buffersMissed},
	{"walk", `One client reads the whole history of an organization, against COPY (SELECT ...) TO STDOUT of the same rows and columns.`, walk, walkMissed},
	{"recordings", `Eight clients record one deployment after the other, each in a random slot, on the program and on the release before totals and
pages were made fast.`, recordings, ""},
	{"import", `The import command on a file, from its start to its end, against COPY of the same rows into a copy of the record table with its indexes.`, imports, ""},
	{"sqlite", `What the server does on an SQLite file with the same records: whether conform finds its answers to be those of PostgreSQL,
and how fast they are.`, inSQLite, ""},
}

const (
	latencyMissed = `Of the tail: the load, the server and PostgreSQL share two cores, and PostgreSQL asked without the server, by the same
load, shows what that does alone. What was done: garbage is collected at 140 MiB instead of 17, and lists are read in turn, two at
once for each core. What did nothing, or harm: a shorter slice of the scheduler, one processor for Go (docs/adr/0012-load-settings.md has the
figures).`
	deepMissed = `Of deep pages: what they take beyond the first page is to skip up to 8,192 entries of an index, and to add up the
milestones of their list as far as the page, half a microsecond each (docs/adr/0008-counts-and-milestones.md). Not tried: sums of
milestones.`
	buffersMissed = `Of buffers: the first page of all records reads its twenty records where they lie. Each time that one of them is not in the
same page of the table as the one before, that counts, twenty times at the most. Imports write neighbours side by side as far as
32,768 records reach (docs/adr/0010-import-by-copy.md).`
	walkMissed = `Of the walk: half of the time is PostgreSQL's, and half the server's, which writes JSON and reads rows.`
)

// Rows are the names of the rows, in the order of the table.
func Rows() []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	return names
}

// notRun says why a row has nothing to report on this machine or at this size; that is no failure.
type notRun string

func (n notRun) Error() string { return string(n) }

// Run measures. The report has every figure that was found, also where there is an error: of the options, or of the
// rows that failed.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Records < 1000 {
		return Report{}, fmt.Errorf("%d records are too few: 1000 or more", o.Records)
	}
	if o.Row != "" && !slices.Contains(Rows(), o.Row) {
		return Report{}, fmt.Errorf("there is no row %q: the rows are %s", o.Row, strings.Join(Rows(), ", "))
	}
	start := time.Now()
	l, err := openLab(ctx, o)
	defer l.close()
	if err != nil {
		return Report{}, err
	}
	report, err := newReport(ctx, l)
	if err != nil {
		return report, err
	}
	var errs []error
	for _, r := range rows {
		if o.Row != "" && o.Row != r.name {
			continue
		}
		if ctx.Err() != nil {
			report.Rows = append(report.Rows, ReportRow{Name: r.name, What: r.what, Figures: []Figure{{What: r.name, NotRun: "the run was ended before"}}})
			continue
		}
		part, err := runRow(ctx, l, r)
		report.Rows = append(report.Rows, part)
		if err != nil {
			errs = append(errs, err)
		}
	}
	report.Took = time.Since(start).Round(time.Second)
	return report, errors.Join(errs...)
}

func runRow(ctx context.Context, l *lab, r row) (ReportRow, error) {
	l.say("%s", r.name)
	start := time.Now()
	figures, err := r.run(ctx, l)
	part := ReportRow{Name: r.name, What: r.what, missed: r.missed, Figures: figures, Took: time.Since(start).Round(time.Second)}
	var skipped notRun
	switch {
	case errors.As(err, &skipped):
		part.Figures = append(part.Figures, Figure{What: r.name, NotRun: skipped.Error()})
		err = nil
	case err != nil:
		part.Figures = append(part.Figures, failed(r.name, err))
		err = fmt.Errorf("%s: %w", r.name, err)
	}
	l.say("%s took %s", r.name, part.Took)
	return part, err
}
