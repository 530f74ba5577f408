package sandbox

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Clock is the clock of a sandbox: the real one, one that is ahead of it, or one that stands still. It is safe for
// concurrent use.
type Clock struct {
	mu sync.Mutex
	// start is where a clock stands still after a reset, or zero.
	start   time.Time
	stopped time.Time // zero unless the clock stands still
	ahead   int64     // microseconds of the real time; a time.Duration ends at 292 years
}

// NewClock returns a clock that stands still at a time, or the real one if the time is zero.
func NewClock(at time.Time) *Clock { return &Clock{start: at, stopped: at} }

// Now returns the time in UTC, in whole microseconds.
func (c *Clock) Now() time.Time {
	now, _ := c.Read()
	return now
}

// Read also reports whether the clock stands still.
func (c *Clock) Read() (now time.Time, isStopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(), !c.stopped.IsZero()
}

func (c *Clock) read() time.Time {
	if !c.stopped.IsZero() {
		return c.stopped
	}
	return time.UnixMicro(time.Now().UnixMicro() + c.ahead).UTC()
}

// ErrYear reports a time that no record can have.
var ErrYear = errors.New("is not in the years 1970 to 9998")

// CheckYear returns ErrYear for a time outside of the years of a clock.
func CheckYear(t time.Time) error {
	if year := t.UTC().Year(); year < 1970 || year > 9998 {
		return fmt.Errorf("%s %w", t.UTC().Format(time.RFC3339), ErrYear)
	}
	return nil
}

// Set stops the clock at a time, truncated to microseconds. It returns ErrYear for a time outside of the years 1970 to 9998.
func (c *Clock) Set(at time.Time) error {
	at = at.UTC().Truncate(time.Microsecond)
	if err := CheckYear(at); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = at
	return nil
}

// Advance moves the clock forward. A clock that stands still stands still afterwards. It returns an error for a duration that
// is not positive or leads beyond the year 9998.
func (c *Clock) Advance(by time.Duration) error {
	if by <= 0 {
		return fmt.Errorf("%s is not more than 0s", by)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := CheckYear(c.read().Add(by)); err != nil {
		return err
	}
	if c.stopped.IsZero() {
		c.ahead += by.Microseconds()
	} else {
		c.stopped = c.stopped.Add(by).Truncate(time.Microsecond)
	}
	return nil
}

// reset makes the clock as new.
func (c *Clock) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped, c.ahead = c.start, 0
}
