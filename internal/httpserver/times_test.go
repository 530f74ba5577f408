package httpserver_test

import (
	"strings"
	"testing"
	"time"
)

// Validation and decoding of a body accept fewer forms of a time than RFC 3339 has.
func TestR2_EveryFormOfATimeIsAcceptedInABody(t *testing.T) {
	server, _ := onSQLite(t)
	now := time.Now().UTC()
	for _, text := range []string{
		now.Format(time.RFC3339),
		strings.ToLower(now.Format(time.RFC3339)),
		now.Format("2006-01-02t15:04:05Z07:00"),
		now.Format("2006-01-02T15:04:05.000000000z"),
		now.Format("2006-01-02T15:04:05." + strings.Repeat("0", 40) + "Z"),
		now.In(time.FixedZone("", 5*60*60+45*60)).Format(time.RFC3339Nano),
		now.Format("2006-01-02T15:04:05-00:00"),
	} {
		body := batchBody(`,"complete":true,"environment_name":"eu","observed_at":"`+text+`"`, named("api", 1))
		if answer := server.post(batchPath, body); answer.status != 200 {
			t.Errorf("%s: got %d %s", text, answer.status, answer.body)
		}
	}
	for text, want := range map[string]string{
		"2016-12-31T23:59:60Z":      "is a leap second, which cannot be stored: give the second before or after it",
		"2026-11-01T09:30:00":       "is not an RFC 3339 time such as 2026-11-01T09:30:00Z",
		"2026-11-01T09:30:00+24:00": "is not an RFC 3339 time such as 2026-11-01T09:30:00Z",
	} {
		body := batchBody(`,"complete":true,"environment_name":"eu","observed_at":"`+text+`"`, named("api", 1))
		answer := server.post(batchPath, body)
		if got := answer.details(t); answer.status != 400 || len(got) != 1 || got[0] != `observed_at: "`+text+`" `+want {
			t.Errorf("%s: got %d %q", text, answer.status, got)
		}
	}
}
