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

func TestAFigureIsJudgedByItsBarAndItsAim(t *testing.T) {
	for _, c := range []struct {
		figure Figure
		want   string
	}{
		{Figure{Value: 0.29, Limit: atLeast(0.3, 0.7)}, "MISSED"},
		{Figure{Value: 0.3, Limit: atLeast(0.3, 0.7)}, "bar"},
		{Figure{Value: 0.7, Limit: atLeast(0.3, 0.7)}, "aim"},
		{Figure{Value: 0, Limit: atLeast(0.3, 0.7)}, "MISSED"},
		{Figure{Value: 5.01, Limit: atMost(5, 2)}, "MISSED"},
		{Figure{Value: 5, Limit: atMost(5, 2)}, "bar"},
		{Figure{Value: 2, Limit: atMost(5, 2)}, "aim"},
		{Figure{Value: 1, Limit: atMost(5, 0)}, "bar"},
		{Figure{Value: 100}, "reported"},
		{Figure{Value: 2, Limit: atMost(5, 2), Pairs: 6}, "too few pairs"},
		{Figure{Value: 9, Limit: atMost(5, 2), Pairs: 6}, "too few pairs"},
		{Figure{Value: 9, Limit: atMost(5, 2), Pairs: 7}, "MISSED"},
		{Figure{Value: 9, Pairs: 6}, "reported"},
		{Figure{NotRun: "no time", Limit: atLeast(1, 2)}, "not run"},
		{Figure{Failed: "it broke", Limit: atLeast(1, 2), Pairs: 1}, "failed"},
	} {
		if got := c.figure.Verdict(); got != c.want || c.figure.Missed() != (c.want == "MISSED") {
			t.Errorf("%+v: %s", c.figure, got)
		}
	}
}

func TestAFigureIsALineOfTheTable(t *testing.T) {
	for _, c := range []struct {
		figure Figure
		want   []string
	}{
		{
			Figure{What: "speed", Measured: perSecond(12345.6), Against: milliseconds(0.00123), Value: 0.706, Limit: atLeast(0.35, 1), Pairs: 7},
			[]string{"speed", "12,346 /s", "1.23 ms", "0.71", "≥ 0.35", "≥ 1", "7", "bar"},
		},
		{
			Figure{What: "memory", Measured: "300 MiB", Value: 299.6, Unit: " MiB", Limit: atMost(256, 0)},
			[]string{"memory", "300 MiB", "", "300 MiB", "≤ 256 MiB", "", "", "MISSED"},
		},
		{Figure{What: "count", Measured: grouped(1234567)}, []string{"count", "1,234,567", "", "", "", "", "", "reported"}},
		{Figure{What: "scale", NotRun: "it is too small", Limit: atLeast(1, 1)}, []string{"scale", "it is too small", "", "", "", "", "", "not run"}},
		{failed("scale", errors.New("it broke\nat length")), []string{"scale", "it broke", "", "", "", "", "", "failed"}},
	} {
		if got := c.figure.Cells(); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMediansAndQuantilesAreOfWhatWasMeasured(t *testing.T) {
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

func TestPairsAreMeasuredByTurns(t *testing.T) {
	l := &lab{progress: io.Discard, effort: Effort{Pairs: 3, MostPerRow: time.Hour}}
	var order string
	give := func(name string, values ...float64) measurement {
		n := -1
		return func(context.Context) (float64, error) {
			n++
			order += name
			return values[n], nil
		}
	}
	got, err := l.measure(t.Context(), "test", give("a", 10, 2, 30), give("b", 5, 4, 10))
	if want := (paired{a: 10, b: 5, ratio: 2, n: 3}); err != nil || got != want || order != "abbaab" {
		t.Errorf("got %+v, %v in the order %s", got, err, order)
	}

	l.effort.MostPerRow = 0
	order = ""
	if got, err = l.measure(t.Context(), "test", give("a", 10), give("b", 5)); err != nil || got.n != 1 || order != "ab" {
		t.Errorf("without time: %+v, %v in the order %s", got, err, order)
	}

	broken := errors.New("broken")
	if _, err := l.measure(t.Context(), "test", give("a", 1), func(context.Context) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestBuffersAreAddedUpOverTheStatementsOfALog(t *testing.T) {
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
		t.Error("half a plan is none")
	}
}

func TestThePageTellsWhatMissesItsBar(t *testing.T) {
	report := Report{
		Records: 20_000, Slots: 400, Machine: "a machine", Commit: "abc", Go: "1.26", PostgreSQL: "15.1", Memory: "128MB",
		Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Took: 90 * time.Second,
		Rows: []ReportRow{
			{Name: "walk", What: "Steps.", Figures: []Figure{{What: "a walk", Measured: "2 s", Against: "1 s", Value: 2, Limit: atMost(1, 0.5), Pairs: 7}}},
			{Name: "scale", Figures: []Figure{{What: "scale", NotRun: "too small"}}},
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
		"\n20,000 records: ", "- **Machine**: a machine\n", "deployrecords abc, PostgreSQL 15.1, Go 1.26", "2026-11-22; it took 1m30s",
		"### walk\n\nSteps.\n\n| what | measured | against | value | bar | aim | pairs | verdict |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n" +
			"| a walk | 2 s | 1 s | 2 | ≤ 1 | ≤ 0.50 | 7 | **MISSED** |\n\n### scale\n",
		"## What misses its bar\n\n- a walk: 2, and the bar is ≤ 1.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	report.Rows[0].Figures[0].Value = 1
	if got := text(); !strings.HasSuffix(got, "\nNothing misses its bar.\n") || strings.Contains(got, "MISSED") {
		t.Errorf("nothing is missed any more, but the page ends:\n%s", got[len(got)-300:])
	}
	report.Rows[1].Figures[0] = failed("scale", errors.New("it broke"))
	if got := text(); !strings.HasSuffix(got, "| scale | it broke |  |  |  |  |  | failed |\n\nNothing misses its bar, but not all could be measured.\n") {
		t.Errorf("a figure failed, but the page ends:\n%s", got[len(got)-300:])
	}
}
