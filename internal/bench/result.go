package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Result is one line of the report.
type Result struct {
	// The field What names the measurement. Measured and Baseline are the two quantities compared, with their units.
	What, Measured, Baseline string
	// Value is judged by the threshold: a ratio, or a quantity in Unit. 0 without a threshold is not printed.
	Value     float64
	Unit      string
	Threshold *Threshold // nil: the value is only reported
	// Pairs is how many pairs of measurements Value is the median of, or 0 if it comes from none.
	Pairs int
	// NotRun is the reason why there is nothing to measure here. Error is the reason why a measurement failed.
	NotRun, Error string
}

// Threshold is the limit that a value must hold. Target, unless 0, is the value to work towards.
type Threshold struct {
	Limit, Target float64
	AtMost        bool // the value must not exceed the limit; otherwise it must reach it
}

func atLeast(limit, target float64) *Threshold { return &Threshold{Limit: limit, Target: target} }
func atMost(limit, target float64) *Threshold {
	return &Threshold{Limit: limit, Target: target, AtMost: true}
}

func (t *Threshold) holds(value, limit float64) bool {
	if t.AtMost {
		return value <= limit
	}
	return value >= limit
}

// minPairs is how many pairs a median needs to be judged.
const minPairs = 7

// errorResult reports the first line of an error; the whole error goes to standard error.
func errorResult(what string, err error) Result {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return Result{What: what, Error: reason}
}

// Missed reports whether the value is on the wrong side of the threshold.
func (r Result) Missed() bool { return r.Verdict() == "MISSED" }

// Verdict returns one of: target met, passed, MISSED, too few pairs, reported, not run, error.
func (r Result) Verdict() string {
	switch {
	case r.Error != "":
		return "error"
	case r.NotRun != "":
		return "not run"
	case r.Threshold == nil:
		return "reported"
	case r.Pairs > 0 && r.Pairs < minPairs:
		return "too few pairs"
	case !r.Threshold.holds(r.Value, r.Threshold.Limit):
		return "MISSED"
	case r.Threshold.Target != 0 && r.Threshold.holds(r.Value, r.Threshold.Target):
		return "target met"
	}
	return "passed"
}

var columns = []string{"what", "measured", "baseline", "value", "threshold", "target", "pairs", "verdict"}

// Cells returns the result's table cells, one for each column.
func (r Result) Cells() []string {
	if reason := cmp.Or(r.Error, r.NotRun); reason != "" {
		return []string{r.What, reason, "", "", "", "", "", r.Verdict()}
	}
	value, threshold, target, pairs := "", "", "", ""
	if r.Value != 0 || r.Threshold != nil {
		value = decimal(r.Value) + r.Unit
	}
	if r.Threshold != nil {
		sign := "≥ "
		if r.Threshold.AtMost {
			sign = "≤ "
		}
		threshold = sign + decimal(r.Threshold.Limit) + r.Unit
		if r.Threshold.Target != 0 {
			target = sign + decimal(r.Threshold.Target) + r.Unit
		}
	}
	if r.Pairs > 0 {
		pairs = strconv.Itoa(r.Pairs)
	}
	return []string{r.What, r.Measured, r.Baseline, value, threshold, target, pairs, r.Verdict()}
}

// pairs holds measurements that alternate with measurements of their baseline. Noise that lasts for a while disturbs
// both values of a pair, so the median of the ratios is more stable than the ratio of the medians.
type pairs struct{ measured, baseline, ratios []float64 }

func (p *pairs) add(measured, baseline float64) {
	p.measured, p.baseline, p.ratios = append(p.measured, measured), append(p.baseline, baseline), append(p.ratios, measured/baseline)
}

// result returns the medians, formatted with their unit.
func (p *pairs) result(what string, format func(float64) string, threshold *Threshold) Result {
	return Result{
		What: what, Measured: format(median(p.measured)), Baseline: format(median(p.baseline)),
		Value: median(p.ratios), Threshold: threshold, Pairs: len(p.ratios),
	}
}

// measurement returns one value: a rate or a duration in seconds.
type measurement func(context.Context) (float64, error)

// compare measures pairs until there are enough or the scenario's time is up, at least one. The order within a pair
// alternates.
func (t *testbed) compare(ctx context.Context, what string, measured, baseline measurement) (*pairs, error) {
	var p pairs
	for start := time.Now(); len(p.ratios) < t.Pairs && (len(p.ratios) == 0 || time.Since(start) < t.MaxDuration); {
		t.logf("%s: pair %d of %d", what, len(p.ratios)+1, t.Pairs)
		order := []int{0, 1}
		if len(p.ratios)%2 == 1 {
			slices.Reverse(order)
		}
		var values [2]float64
		for _, i := range order {
			var err error
			if values[i], err = []measurement{measured, baseline}[i](ctx); err != nil {
				return nil, err
			}
		}
		p.add(values[0], values[1])
	}
	return &p, nil
}

// compareRates compares two rates per second. Before the pairs it discards one measurement of each, which fills caches
// and plans statements.
func (t *testbed) compareRates(ctx context.Context, what string, measured, baseline measurement, threshold *Threshold) (Result, error) {
	for _, warmUp := range []measurement{measured, baseline} {
		if _, err := warmUp(ctx); err != nil {
			return Result{}, err
		}
	}
	p, err := t.compare(ctx, what, measured, baseline)
	if err != nil {
		return Result{}, err
	}
	return p.result(what, perSecond, threshold), nil
}

// median returns the middle value, the lower one of two.
func median[T cmp.Ordered](values []T) T { return quantile(values, 0.5) }

// quantile returns the smallest value that at least the given fraction of all values does not exceed. benchmath of
// golang.org/x/perf would replace the median only: it has no quantiles.
func quantile[T cmp.Ordered](values []T, fraction float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(fraction*float64(len(sorted))))-1)]
}

// timed returns the seconds that a function takes.
func timed(do func() error) (float64, error) {
	start := time.Now()
	err := do()
	return time.Since(start).Seconds(), err
}

// decimal formats a number with about three digits.
func decimal(v float64) string {
	switch {
	case v == float64(int(v)):
		return strconv.Itoa(int(v))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// grouped formats a whole number with commas.
func grouped(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func perSecond(v float64) string    { return grouped(v) + " /s" }
func microseconds(s float64) string { return decimal(s*1e6) + " µs" }
func milliseconds(s float64) string { return decimal(s*1000) + " ms" }
func seconds(s float64) string      { return decimal(s) + " s" }
