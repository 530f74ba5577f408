package faults

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Delay is a fixed delay, or a distribution of delays: uniform from Min to Max, or lognormal with a Median and a Sigma. The
// zero Delay is none.
type Delay struct {
	Fixed    time.Duration
	Min, Max time.Duration
	Median   time.Duration
	// Sigma is the standard deviation of the logarithm.
	Sigma float64
}

// check returns what is wrong with a delay.
func (d Delay) check() (violations []deployments.Violation) {
	add := func(field, message string) {
		violations = append(violations, deployments.Violation{Field: field, Message: message})
	}
	for _, part := range []struct {
		field string
		value time.Duration
	}{{"delay.fixed", d.Fixed}, {"delay.min", d.Min}, {"delay.max", d.Max}, {"delay.median", d.Median}} {
		if part.value < 0 || part.value > MaxDelay {
			add(part.field, part.value.String()+" is not from 0s to "+MaxDelay.String())
		}
	}
	kinds := 0
	for _, given := range []bool{d.Fixed != 0, d.Min != 0 || d.Max != 0, d.Median != 0 || d.Sigma != 0} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		add("delay", "has several of fixed, min with max, and median with sigma")
	case d.Min > d.Max:
		add("delay.min", d.Min.String()+" is more than max, "+d.Max.String())
	case d.Sigma < 0 || math.IsNaN(d.Sigma) || d.Sigma > 10:
		add("delay.sigma", "is not from 0 to 10")
	case d.Sigma > 0 && d.Median == 0:
		add("delay.median", "is missing")
	}
	return violations
}

// draw returns a delay of the distribution, at most MaxDelay.
func (d Delay) draw(random *rand.Rand) time.Duration {
	switch {
	case d.Fixed > 0:
		return d.Fixed
	case d.Max > 0:
		return d.Min + time.Duration(random.Int64N(int64(d.Max-d.Min)+1))
	case d.Median > 0:
		return time.Duration(min(float64(d.Median)*math.Exp(d.Sigma*random.NormFloat64()), float64(MaxDelay)))
	}
	return 0
}

// wait waits for a time, and reports whether neither the request nor the faults ended meanwhile.
func wait(ctx context.Context, ended <-chan struct{}, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-ended:
	}
	return false
}
