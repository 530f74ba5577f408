package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestResultIsJudgedByThresholdAndTarget(t *testing.T) {
	for _, c := range []struct {
		result Result
		want   string
	}{
		{Result{Value: 0.29, Threshold: atLeast(0.3, 0.7)}, "MISSED"},
		{Result{Value: 0.3, Threshold: atLeast(0.3, 0.7)}, "passed"},
		{Result{Value: 0.7, Threshold: atLeast(0.3, 0.7)}, "target met"},
		{Result{Value: 0, Threshold: atLeast(0.3, 0.7)}, "MISSED"},
		{Result{Value: 5.01, Threshold: atMost(5, 2)}, "MISSED"},
		{Result{Value: 5, Threshold: atMost(5, 2)}, "passed"},
		{Result{Value: 2, Threshold: atMost(5, 2)}, "target met"},
		{Result{Value: 1, Threshold: atMost(5, 0)}, "passed"},
		{Result{Value: 100}, "reported"},
		{Result{Value: 2, Threshold: atMost(5, 2), Pairs: 6}, "too few pairs"},
		{Result{Value: 9, Threshold: atMost(5, 2), Pairs: 6}, "too few pairs"},
		{Result{Value: 9, Threshold: atMost(5, 2), Pairs: 7}, "MISSED"},
		{Result{Value: 9, Pairs: 6}, "reported"},
		{Result{NotRun: "no time", Threshold: atLeast(1, 2)}, "not run"},
		{Result{Error: "it broke", Threshold: atLeast(1, 2), Pairs: 1}, "error"},
	} {
		if got := c.result.Verdict(); got != c.want || c.result.Missed() != (c.want == "MISSED") {
			t.Errorf("%+v: %s", c.result, got)
		}
	}
}

func TestCellsOfAResult(t *testing.T) {
	for _, c := range []struct {
		result Result
		want   []string
	}{
		{
			Result{What: "speed", Measured: perSecond(12345.6), Baseline: milliseconds(0.00123), Value: 0.706, Threshold: atLeast(0.35, 1), Pairs: 7},
			[]string{"speed", "12,346 /s", "1.23 ms", "0.71", "≥ 0.35", "≥ 1", "7", "passed"},
		},
		{
			Result{What: "memory", Measured: "300 MiB", Value: 299.6, Unit: " MiB", Threshold: atMost(256, 0)},
			[]string{"memory", "300 MiB", "", "300 MiB", "≤ 256 MiB", "", "", "MISSED"},
		},
		{Result{What: "count", Measured: grouped(1234567)}, []string{"count", "1,234,567", "", "", "", "", "", "reported"}},
		{Result{What: "scale", NotRun: "it is too small", Threshold: atLeast(1, 1)}, []string{"scale", "it is too small", "", "", "", "", "", "not run"}},
		{errorResult("scale", errors.New("it broke\nat length")), []string{"scale", "it broke", "", "", "", "", "", "error"}},
	} {
		if got := c.result.Cells(); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMediansAndQuantilesAreMeasuredValues(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct{ got, want float64 }{
		{median([]float64{3}), 3},
		{median([]float64{9, 1, 5}), 5},
		{quantile(hundred, 0.99), 99},
		{quantile(hundred, 0.5), 50},
		{quantile(hundred, 0), 1},
		{quantile(hundred, 1), 100},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func TestPairsAlternateTheirOrder(t *testing.T) {
	tb := &testbed{Options: Options{Progress: io.Discard, Pairs: 3, MaxDuration: time.Hour}}
	var order string
	give := func(name string, values ...float64) measurement {
		n := -1
		return func(context.Context) (float64, error) {
			n++
			order += name
			return values[n], nil
		}
	}
	got, err := tb.compare(t.Context(), "test", give("a", 10, 2, 30), give("b", 5, 4, 10))
	if err != nil || order != "abbaab" {
		t.Fatalf("got %v in the order %s", err, order)
	}
	want := Result{What: "test", Measured: "10 /s", Baseline: "5 /s", Value: 2, Pairs: 3}
	if result := got.result("test", perSecond, nil); result != want {
		t.Errorf("got %+v, want %+v", result, want)
	}

	tb.MaxDuration = 0
	order = ""
	if got, err = tb.compare(t.Context(), "test", give("a", 10), give("b", 5)); err != nil || len(got.ratios) != 1 || order != "ab" {
		t.Errorf("without time: %+v, %v in the order %s", got, err, order)
	}

	broken := errors.New("broken")
	if _, err := tb.compare(t.Context(), "test", give("a", 1), func(context.Context) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestBuffersOfAllPlansInALogAreAddedUp(t *testing.T) {
	const log = `2026-11-22 21:00:00 UTC [1] LOG:  duration: 0.2 ms  plan:
	{
	  "Query Text": "SELECT ' plan:\n{\"Plan\": 1}'",
	  "Plan": {
	    "Node Type": "Limit",
	    "Shared Hit Blocks": 10,
	    "Shared Read Blocks": 3,
	    "Plans": [{"Shared Hit Blocks": 7}]
	  }
	}
2026-11-22 21:00:00 UTC [2] LOG:  checkpoint starting: time
2026-11-22 21:00:00 UTC [1] LOG:  duration: 0.1 ms  plan:
	{"Plan": {"Shared Hit Blocks": 100, "Shared Read Blocks": 0}}
`
	if got, err := sumBuffers([]byte(log)); err != nil || got != 113 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := sumBuffers([]byte(log[:200])); err == nil {
		t.Error("half a plan: got no error")
	}
}

func TestPageListsMissedThresholds(t *testing.T) {
	report := Report{
		Records: 20_000, Slots: 400, Machine: "a machine", Commit: "abc", Go: "1.26", PostgreSQL: "15.1", SharedBuffers: "128MB",
		Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Duration: 90 * time.Second,
		Scenarios: []ScenarioReport{
			{Name: "walk", Description: "Steps.", Results: []Result{{What: "a walk", Measured: "2 s", Baseline: "1 s", Value: 2, Threshold: atMost(1, 0.5), Pairs: 7}}},
			{Name: "scale", Results: []Result{{What: "scale", NotRun: "too small"}}},
		},
	}
	text := func() string {
		var out bytes.Buffer
		if err := report.WritePage(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	got := text()
	for _, want := range []string{
		"\n20,000 records: ", "- **Machine**: a machine\n", "deployrecords abc, PostgreSQL 15.1, Go 1.26", "2026-11-22; the run took 1m30s",
		"### walk\n\nSteps.\n\n| what | measured | baseline | value | threshold | target | pairs | verdict |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n" +
			"| a walk | 2 s | 1 s | 2 | ≤ 1 | ≤ 0.50 | 7 | **MISSED** |\n\n### scale\n",
		"## Missed thresholds\n\n- a walk: 2, and the threshold is ≤ 1.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	report.Scenarios[0].Results[0].Value = 1
	if got := text(); !strings.HasSuffix(got, "\nNo result misses its threshold.\n") || strings.Contains(got, "MISSED") {
		t.Errorf("no threshold is missed, but the page ends:\n%s", got[len(got)-300:])
	}
	report.Scenarios[1].Results[0] = errorResult("scale", errors.New("it broke"))
	if got := text(); !strings.HasSuffix(got, "| scale | it broke |  |  |  |  |  | error |\n\nNo result misses its threshold, but some could not be measured.\n") {
		t.Errorf("a measurement failed, but the page ends:\n%s", got[len(got)-300:])
	}
}
