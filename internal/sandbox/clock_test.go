package sandbox_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/sandbox"
)

func TestAClockAdvancesToTheYear9998(t *testing.T) {
	for _, start := range []time.Time{{}, time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)} {
		clock := sandbox.NewClock(start)
		previous, steps := clock.Now(), 0
		for {
			err := clock.Advance(math.MaxInt64)
			if err != nil {
				if !errors.Is(err, sandbox.ErrYear) {
					t.Error(err)
				}
				break
			}
			steps++
			now := clock.Now()
			if moved := now.Year() - previous.Year(); moved < 292 || moved > 293 {
				t.Fatalf("step %d: from %s to %s", steps, previous, now)
			}
			previous = now
		}
		if steps != 27 || previous.Year() < 9998-293 {
			t.Errorf("%d steps to %s", steps, previous)
		}
	}
}
