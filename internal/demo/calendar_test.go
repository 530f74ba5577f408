package demo

import (
	"testing"
	"time"
)

func TestWorkingTimePassesInWorkingHoursOnly(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	c := calendarBefore(at("2026-11-20T17:00:00Z"), 1)
	for text, want := range map[string]time.Duration{
		"2026-11-09T08:00:00Z":        0,
		"2026-11-09T08:00:00.000001Z": time.Microsecond,
		"2026-11-09T17:59:00Z":        10*time.Hour - time.Minute,
		"2026-11-10T08:00:00Z":        10 * time.Hour,
		"2026-11-13T17:59:59Z":        50*time.Hour - time.Second,
		"2026-11-16T08:00:00Z":        50 * time.Hour,
		"2026-11-20T17:00:00Z":        99 * time.Hour,
	} {
		if got := c.until(at(text)); got != want.Microseconds() {
			t.Errorf("until %s: got %v", text, time.Duration(got)*time.Microsecond)
		}
		if got := c.at(want.Microseconds()); !got.Equal(at(text)) {
			t.Errorf("at %v: got %v, want %s", want, got, text)
		}
	}
	for text, want := range map[string]time.Duration{
		"2026-11-09T00:00:00Z":      0,
		"2026-11-09T20:00:00Z":      10 * time.Hour,
		"2026-11-14T12:00:00Z":      50 * time.Hour, // a Saturday
		"2026-11-15T23:59:59Z":      50 * time.Hour,
		"2026-11-16T07:00:00Z":      50 * time.Hour,
		"2026-11-16T11:00:00+01:00": 52 * time.Hour,
	} {
		if got := c.until(at(text)); got != want.Microseconds() {
			t.Errorf("until %s: got %v", text, time.Duration(got)*time.Microsecond)
		}
	}
	for _, end := range []string{"2026-11-16T00:00:00Z", "2026-11-20T12:00:00Z", "2026-11-22T23:59:59Z"} {
		if got := calendarBefore(at(end), 0).start; !got.Equal(at("2026-11-16T00:00:00Z")) {
			t.Errorf("the week of %s begins %v", end, got)
		}
	}
}
