package bench

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/deployrecords/deployrecords/internal/cli" // what is measured: go test must not take an old result for it
	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// tiny is enough to see that every row measures something.
func tiny(t *testing.T) Options {
	t.Helper()
	return Options{
		Records: 2000, Tree: "../..", Progress: t.Output(),
		Effort: Effort{Pairs: 2, Span: 100 * time.Millisecond, MostPerRow: time.Minute},
	}
}

func TestEveryRowMeasuresSomething(t *testing.T) {
	pgtest.NeedBinaries(t)
	report, err := Run(t.Context(), tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range report.Rows {
		names = append(names, row.Name)
		for _, f := range row.Figures {
			t.Log(row.Name, f.Cells())
			switch {
			case f.NotRun != "":
				// A clone without history has no release to compare with, and one server package no pgbench.
				if row.Name != "scale" && !strings.Contains(f.NotRun, "this clone has no commit") && !strings.Contains(f.NotRun, "pgbench is not installed") {
					t.Errorf("%s was not run: %s", row.Name, f.NotRun)
				}
			case f.Measured == "" || f.Limit != nil && f.Value <= 0:
				t.Errorf("%s: nothing was measured: %q", row.Name, f.Cells())
			}
		}
		if len(row.Figures) == 0 {
			t.Errorf("%s has no figures", row.Name)
		}
	}
	if !slices.Equal(names, Rows()) {
		t.Errorf("got the rows %v, want %v", names, Rows())
	}
	var table, page bytes.Buffer
	if err := report.WriteTable(&table); err != nil {
		t.Error(err)
	}
	if err := report.WritePage(&page); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"walk of 1,800 records", "import of 2,000 lines"} {
		if !strings.Contains(table.String(), want) || !strings.Contains(page.String(), want) {
			t.Errorf("nothing is said of a %s", want)
		}
	}
}

func TestWhatCannotBeMeasuredIsToldBeforeAnythingIsStarted(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Records = 999 }, "999 records are too few"},
		{func(o *Options) { o.Row = "speed" }, `there is no row "speed": the rows are listing, scale,`},
	} {
		o := tiny(t)
		c.change(&o)
		ctx, end := context.WithCancel(t.Context())
		end() // were anything started, this would be what is told
		if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestARunThatIsEndedSaysWhatItDidNotComeTo(t *testing.T) {
	pgtest.NeedBinaries(t)
	ctx, end := context.WithCancel(t.Context())
	o := tiny(t)
	o.Progress = writerFunc(func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("latency\n")) {
			end()
		}
		return t.Output().Write(text)
	})
	report, err := Run(ctx, o)
	if err == nil || len(report.Rows) != len(rows) {
		t.Fatalf("got %d rows, %v", len(report.Rows), err)
	}
	if f := report.Rows[0].Figures[0]; f.NotRun != "" {
		t.Errorf("what was measured before is lost: %q", f.Cells())
	}
	if f := report.Rows[len(rows)-1].Figures[0]; f.NotRun != "the run was ended before" {
		t.Errorf("got %q", f.Cells())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }
