package config

import (
	"fmt"
	"time"

	"github.com/alecthomas/kong"
)

// Memory makes serve a server for the tests of a client. These settings have flags alone: no environment variable
// that somebody forgot can make a server keep its records in memory.
type Memory struct {
	InMemory     Switch   `name:"memory" group:"Tests" help:"Keep records in memory, in place of a database, and forget them at the end. The server's URL and a token for development are printed on standard output."`
	Load         []string `name:"load" sep:"none" placeholder:"FILE" group:"Tests" help:"With --memory, start with the records of this file, which has the form that import takes; - is standard input. Can be given several times."`
	Now          Time     `name:"now" placeholder:"TIME" group:"Tests" help:"With --memory, let the clock stand still at this RFC 3339 time, 2026-11-01T09:30:00Z say."`
	Organization string   `name:"organization" default:"test" placeholder:"KEY" group:"Tests" help:"With --memory, the organization of the token and of what is loaded (${default})."`
}

// Faults tells everything that is wrong with the settings, except for the organization and the files, which the
// packages that use them judge.
func (m *Memory) Faults() []error {
	var f faults
	if m.InMemory.fault != "" {
		f.add("--memory", "%s", m.InMemory.fault)
	}
	if m.Now.fault != "" {
		f.add("--now", "%s", m.Now.fault)
	}
	return f
}

// Time is a moment in UTC, in whole microseconds. The zero time is none.
type Time struct{ setting[time.Time] }

// Decode is called by kong.
func (s *Time) Decode(ctx *kong.DecodeContext) error {
	if err := s.decode(ctx, "an RFC 3339 time such as 2026-11-01T09:30:00Z", parseTime); err != nil {
		return err
	}
	// What is recorded at a time may be stamped later than it, and the zero time is none.
	if year := s.Value.Year(); s.fault == "" && (year < 1970 || year > 9998) {
		s.fault = fmt.Sprintf("%s is not in the years 1970 to 9998", s.Value.Format(time.RFC3339))
	}
	return nil
}

func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	return t.UTC().Truncate(time.Microsecond), err
}
