package deployments

import (
	"strings"
	"testing"
	"time"
)

func TestR2_EveryRFC3339TimeIsParsed(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-01T09:30:00Z":                                  "2026-11-01T09:30:00Z",
		"2026-11-01t09:30:00z":                                  "2026-11-01T09:30:00Z",
		"2026-11-01T09:30:00z":                                  "2026-11-01T09:30:00Z",
		"2026-11-01t09:30:00+01:30":                             "2026-11-01T08:00:00Z",
		"2026-11-01T09:30:00-23:59":                             "2026-11-02T09:29:00Z",
		"2026-11-01T09:30:00-00:00":                             "2026-11-01T09:30:00Z",
		"2026-11-01T09:30:00+00:00":                             "2026-11-01T09:30:00Z",
		"2026-11-01T09:30:00.1Z":                                "2026-11-01T09:30:00.1Z",
		"2026-11-01T09:30:00.1234567Z":                          "2026-11-01T09:30:00.123456Z",
		"2026-11-01T09:30:00.999999999Z":                        "2026-11-01T09:30:00.999999Z",
		"2026-11-01T09:30:00." + strings.Repeat("1", 300) + "z": "2026-11-01T09:30:00.111111Z",
		"2026-11-01T09:30:00.000000Z":                           "2026-11-01T09:30:00Z",
		"2024-02-29T00:00:00Z":                                  "2024-02-29T00:00:00Z",
		"0001-01-01T00:00:00Z":                                  "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.9999999Z":                          "9999-12-31T23:59:59.999999Z",
		"0000-12-31T23:00:00-01:00":                             "0001-01-01T00:00:00Z",
	} {
		got, err := ParseTime(text)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%.60s: got %v, %v, want %s", text, got, err, want)
		}
	}
}

func TestTextsThatAreNoTimeAreExplained(t *testing.T) {
	const leap, years, invalid = "is a leap second", "is not in the years 1 to 9999 in UTC", "is not an RFC 3339 time such as"
	for text, want := range map[string]string{
		"2016-12-31T23:59:60Z":      leap,
		"2016-12-31t23:59:60.5z":    leap,
		"2017-01-01T00:59:60+01:00": leap,
		"0000-12-31T23:59:59Z":      years,
		"9999-12-31T23:59:59-00:01": years,
		"":                          invalid,
		"yesterday":                 invalid,
		"2026-11-01":                invalid,
		"2026-11-01T09:30Z":         invalid,
		"2026-11-01T09:30:00":       invalid,
		"2026-11-01 09:30:00Z":      invalid,
		"2026-11-01T9:30:00Z":       invalid,
		"2026-11-01T24:00:00Z":      invalid,
		"2026-11-01T09:60:00Z":      invalid,
		"2026-11-01T09:30:61Z":      invalid,
		"2026-11-01T09:30:00,5Z":    invalid,
		"2026-11-01T09:30:00.Z":     invalid,
		"2026-11-01T09:30:00+24:00": invalid,
		"2026-11-01T09:30:00+01:60": invalid,
		"2026-11-01T09:30:00+0100":  invalid,
		"2026-11-01T09:30:00+01":    invalid,
		"2026-02-30T09:30:00Z":      invalid,
		"2026-02-30T09:30:60Z":      invalid,
		"2026-13-01T09:30:00Z":      invalid,
		"02026-11-01T09:30:00Z":     invalid,
		" 2026-11-01T09:30:00Z":     invalid,
		"2026-11-01T09:30:00Z\n":    invalid,
		"2026-11-01T09:30:00 ":      invalid,
		"٢٠٢٦-11-01T09:30:00Z":      invalid,
		"1793525400":                invalid,
	} {
		if got, err := ParseTime(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
}
