package deployments

import (
	"errors"
	"strings"
	"time"
)

// ParseTime parses a time of RFC 3339 in any zone, with t and z in either case and a fraction of any length. It returns the
// time in UTC, cut to microseconds (R2). The error completes the sentence "the value ...". Package time has no leap seconds,
// and neither have the databases.
func ParseTime(text string) (time.Time, error) {
	text = strings.ToUpper(text)
	t, err := parseStrict(text)
	if err != nil {
		const seconds = len("2006-01-02T15:04:")
		if len(text) > seconds+2 && text[seconds:seconds+2] == "60" {
			if _, err := parseStrict(text[:seconds] + "59" + text[seconds+2:]); err == nil {
				return time.Time{}, errors.New("is a leap second, which cannot be stored: give the second before or after it")
			}
		}
		return time.Time{}, err
	}
	t = t.UTC().Truncate(time.Microsecond)
	if year := t.Year(); year < 1 || year > 9999 {
		return time.Time{}, errors.New("is not in the years 1 to 9999 in UTC")
	}
	return t, nil
}

// parseStrict rejects what time.Parse accepts although RFC 3339 does not (https://go.dev/issue/54580): an hour of one
// digit, a comma before the fraction, and zone offsets from 24 hours or 60 minutes.
func parseStrict(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && text[len("2006-01-02T15")] == ':' && !strings.Contains(text, ",") {
		if zone := text[len(text)-len("07:00"):]; strings.HasSuffix(text, "Z") || zone[:2] < "24" && zone[3:] < "60" {
			return t, nil
		}
	}
	return time.Time{}, errors.New("is not an RFC 3339 time such as 2026-11-01T09:30:00Z")
}
