package bench

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Figure is a line of the table.
type Figure struct {
	// What was measured, and in words what came out and what that is compared with, with their units.
	What, Measured, Against string
	// Value is what is judged: a ratio, or with a Unit something else. 0 is nothing: Measured is only reported.
	Value float64
	Unit  string
	// Limit is what Value is judged by; nil reports it.
	Limit *Limit
	// Pairs is how many pairs of measurements it is the median of; 0 if it is of none.
	Pairs int
	// NotRun says why there is nothing to report.
	NotRun string
	// Failed says what went wrong, where there was something to measure.
	Failed string
}

// Limit is the bar of a figure, which must be held, and its aim, if it has one that is not 0.
type Limit struct {
	Bar, Aim float64
	// AtMost tells figures that must not be greater from those that must not be smaller.
	AtMost bool
}

// failed is the figure of what an error kept from being measured, with the error's first line: more would not be a line
// of a table, and whoever runs the benchmark is told all of it.
func failed(what string, err error) Figure {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return Figure{What: what, Failed: reason}
}

func atLeast(bar, aim float64) *Limit { return &Limit{Bar: bar, Aim: aim} }
func atMost(bar, aim float64) *Limit  { return &Limit{Bar: bar, Aim: aim, AtMost: true} }

func (l *Limit) holds(value, limit float64) bool {
	if l.AtMost {
		return value <= limit
	}
	return value >= limit
}

// fewestPairs is how many pairs a figure must be the median of to be judged, if it is of pairs.
const fewestPairs = 7

func (f Figure) withoutValue() bool { return f.NotRun != "" || f.Failed != "" }

// unsettled tells that there are too few pairs to judge the figure by.
func (f Figure) unsettled() bool {
	return !f.withoutValue() && f.Limit != nil && f.Pairs > 0 && f.Pairs < fewestPairs
}

// Missed tells whether the figure is on the wrong side of its bar.
func (f Figure) Missed() bool {
	return !f.withoutValue() && f.Limit != nil && !f.unsettled() && !f.Limit.holds(f.Value, f.Limit.Bar)
}

// Verdict is one of: aim, bar, MISSED, too few pairs, reported, not run, failed.
func (f Figure) Verdict() string {
	switch {
	case f.unsettled():
		return "too few pairs"
	case f.Failed != "":
		return "failed"
	case f.NotRun != "":
		return "not run"
	case f.Limit == nil:
		return "reported"
	case f.Missed():
		return "MISSED"
	case f.Limit.Aim != 0 && f.Limit.holds(f.Value, f.Limit.Aim):
		return "aim"
	}
	return "bar"
}

// Cells are the figure's line: what, measured, against, value, bar, aim, pairs, verdict.
func (f Figure) Cells() []string {
	value, bar, aim, pairs := "", "", "", ""
	if f.withoutValue() {
		return []string{f.What, cmp.Or(f.Failed, f.NotRun), "", "", "", "", "", f.Verdict()}
	}
	if f.Value != 0 || f.Limit != nil {
		value = decimal(f.Value) + f.Unit
	}
	if f.Limit != nil {
		sign := "≥ "
		if f.Limit.AtMost {
			sign = "≤ "
		}
		bar = sign + decimal(f.Limit.Bar) + f.Unit
		if f.Limit.Aim != 0 {
			aim = sign + decimal(f.Limit.Aim) + f.Unit
		}
	}
	if f.Pairs > 0 {
		pairs = strconv.Itoa(f.Pairs)
	}
	return []string{f.What, f.Measured, f.Against, value, bar, aim, pairs, f.Verdict()}
}

// decimal has about three digits, and so many as a limit was written with.
func decimal(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v == float64(int(v)):
		return strconv.Itoa(int(v))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// grouped is a whole number with commas.
func grouped(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func perSecond(v float64) string { return grouped(v) + " /s" }

// milliseconds is of a time in seconds.
func milliseconds(seconds float64) string { return decimal(seconds*1000) + " ms" }
