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

// Options selects what a run measures and for how long.
type Options struct {
	Records  int       // in a database, at least 1,000
	Scenario string    // the only scenario to run; "" runs all
	Tree     string    // the root of the project whose program is measured
	Progress io.Writer // receives a line for every step

	Pairs       int           // of measurements for each result
	Duration    time.Duration // of one measurement, where it can be chosen
	MaxDuration time.Duration // after which a comparison starts no further pair
}

// DefaultOptions returns the options behind docs/performance.md.
func DefaultOptions() Options {
	return Options{Records: 1_000_000, Pairs: 7, Duration: 3 * time.Second, MaxDuration: 4 * time.Minute}
}

// scenario is a part of the report, in a file of its own.
type scenario struct {
	name        string
	description string // what is measured, the baseline and the reason for the ratio
	missed      string // why a threshold may be missed: causes and attempts
	// measure also returns the results before an error: they took long to measure.
	measure func(context.Context, *testbed) ([]Result, error)
}

var scenarios = []scenario{listing, matrix, scale, latency, deep, contents, buffers, walk, recordings, batches, imports, sqlite, fairness, peers}

// Scenarios returns the names of the scenarios in the order of the report.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// notRun is the reason why a scenario has nothing to measure on this machine or at this size. It is not a failure.
type notRun string

func (n notRun) Error() string { return string(n) }

// Run measures the scenarios. The report holds every result, also with an error.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Records < 1000 {
		return Report{}, fmt.Errorf("records: got %d, want at least 1000", o.Records)
	}
	if o.Scenario != "" && !slices.Contains(Scenarios(), o.Scenario) {
		return Report{}, fmt.Errorf("scenario: got %q, want one of %s", o.Scenario, strings.Join(Scenarios(), ", "))
	}
	start := time.Now()
	t, err := openTestbed(ctx, o)
	defer t.close()
	if err != nil {
		return Report{}, err
	}
	report, err := newReport(ctx, t)
	if err != nil {
		return report, err
	}
	var errs []error
	for _, s := range scenarios {
		if o.Scenario == "" || o.Scenario == s.name {
			part, err := s.run(ctx, t)
			report.Scenarios = append(report.Scenarios, part)
			errs = append(errs, err)
		}
	}
	report.Duration = time.Since(start).Round(time.Second)
	return report, errors.Join(errs...)
}

func (s scenario) run(ctx context.Context, t *testbed) (ScenarioReport, error) {
	report := ScenarioReport{Name: s.name, Description: strings.TrimSpace(s.description), missed: s.missed}
	if ctx.Err() != nil {
		report.Results = []Result{{What: s.name, NotRun: "the run was interrupted before"}}
		return report, nil //nolint:nilerr // the report has the reason
	}
	t.logf("%s", s.name)
	start := time.Now()
	results, err := s.measure(ctx, t)
	t.logf("%s took %s", s.name, time.Since(start).Round(time.Second))
	var reason notRun
	switch {
	case errors.As(err, &reason):
		results = append(results, Result{What: s.name, NotRun: reason.Error()})
		err = nil
	case err != nil:
		results = append(results, errorResult(s.name, err))
		err = fmt.Errorf("%s: %w", s.name, err)
	}
	report.Results = results
	return report, err
}
