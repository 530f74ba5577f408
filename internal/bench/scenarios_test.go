package bench

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/deployrecords/deployrecords/internal/cli" // the measured program: go test must not reuse a cached result after it changes
	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// tiny are the smallest options with which every scenario measures something.
func tiny(t *testing.T) Options {
	t.Helper()
	return Options{
		Records: 2000, Tree: "../..", Progress: t.Output(),
		Pairs: 1, Duration: 100 * time.Millisecond, MaxDuration: time.Minute,
	}
}

func TestEveryScenarioMeasuresSomething(t *testing.T) {
	pgtest.RequireBinaries(t)
	report, err := Run(t.Context(), tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range report.Scenarios {
		names = append(names, s.Name)
		for _, r := range s.Results {
			t.Log(s.Name, r.Cells())
			switch {
			case r.NotRun != "":
				// A clone without history has no release to compare with, and some PostgreSQL packages have no pgbench.
				if s.Name != "scale" && r.NotRun != "no listing was rejected" && r.NotRun != noRecords && r.NotRun != noPrism && !strings.Contains(r.NotRun, "this clone has no commit") && !strings.Contains(r.NotRun, "pgbench is not installed") && !strings.Contains(r.NotRun, "does not report the processor time") {
					t.Errorf("%s was not run: %s", s.Name, r.NotRun)
				}
			case r.Measured == "" || r.Threshold != nil && r.Value <= 0:
				t.Errorf("%s measured nothing: %q", s.Name, r.Cells())
			}
		}
		if len(s.Results) == 0 {
			t.Errorf("%s has no results", s.Name)
		}
	}
	if !slices.Equal(names, Scenarios()) {
		t.Errorf("got the scenarios %v, want %v", names, Scenarios())
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
			t.Errorf("the report lacks %q", want)
		}
	}
}

func TestInvalidOptionsAreRejectedBeforeAnythingStarts(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Records = 999 }, "records: got 999, want at least 1000"},
		{func(o *Options) { o.Scenario = "speed" }, `scenario: got "speed", want one of listing, matrix, scale,`},
	} {
		o := tiny(t)
		c.change(&o)
		ctx, end := context.WithCancel(t.Context())
		end() // would be the error if anything started
		if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestInterruptedRunReportsScenariosThatDidNotRun(t *testing.T) {
	pgtest.RequireBinaries(t)
	quick := scenario{name: "quick", measure: func(context.Context, *testbed) ([]Result, error) {
		return []Result{{What: "quick", Measured: "1 s"}}, nil
	}}
	defer func(all []scenario) { scenarios = all }(scenarios)
	scenarios = []scenario{quick, latency, walk}
	ctx, end := context.WithCancel(t.Context())
	o := tiny(t)
	o.Progress = writerFunc(func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("latency\n")) {
			end()
		}
		return t.Output().Write(text)
	})
	report, err := Run(ctx, o)
	if err == nil || len(report.Scenarios) != len(scenarios) {
		t.Fatalf("got %d scenarios, %v", len(report.Scenarios), err)
	}
	if r := report.Scenarios[0].Results[0]; r.NotRun != "" {
		t.Errorf("a result from before the interruption is lost: %q", r.Cells())
	}
	if r := report.Scenarios[len(scenarios)-1].Results[0]; r.NotRun != "the run was interrupted before" {
		t.Errorf("got %q", r.Cells())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }
