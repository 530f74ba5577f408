package httpserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// observedAt returns the member of a body that was observed so many minutes ago.
func observedAt(minutesAgo int) string {
	return fmt.Sprintf(`"observed_at":%q`, time.Now().Add(-time.Duration(minutesAgo)*time.Minute).UTC().Format(time.RFC3339Nano))
}

func TestW7_LateRecordingsOverHTTP(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		running := server.post(recordPath, deployment(2, observedAt(10))).record(t)
		if ago := time.Since(running.Created); ago < 9*time.Minute || !running.Seen.Equal(running.Created) || running.Created.Nanosecond()%1000 != 0 {
			t.Errorf("got %+v", running)
		}
		for name, answer := range map[string]answer{
			"another artifact": server.post(recordPath, deployment(1, observedAt(20))),
			"an end":           server.post(recordPath, deployment(2, `"status":"DECOMMISSIONED"`, observedAt(11))),
			"with a key":       server.post(recordPath, deployment(1, observedAt(30)), "Idempotency-Key: k"),
		} {
			if got := answer.record(t); got != running {
				t.Errorf("%s: got %+v, want %+v", name, got, running)
			}
		}
		late := server.post(batchPath, batchBody(","+observedAt(20), named("api", 1), named("web", 1))).batch(t)
		if got := *late.Results[0].Record; got.ID != running.ID || late.Results[1].Record.Status != "DEPLOYED" {
			t.Errorf("a batch: got %+v", late)
		}
		if got := server.statuses("deployment_name=api"); got != "2:DEPLOYED" {
			t.Errorf("got %s", got)
		}
	})
}

func TestW7_ObservedAtIsPartOfARequest(t *testing.T) {
	server, _ := onSQLite(t)
	at := `"observed_at":"2026-01-01T00:00:00%s"`
	first := server.post(recordPath, deployment(1, fmt.Sprintf(at, "Z")), "Idempotency-Key: k").record(t)
	if again := server.post(recordPath, deployment(1, fmt.Sprintf(at, ".000+00:00")), "Idempotency-Key: k").record(t); again != first {
		t.Errorf("another spelling: got %+v, want %+v", again, first)
	}
	for name, body := range map[string]string{"another time": deployment(1, fmt.Sprintf(at, "+01:00")), "no time": deployment(1)} {
		if answer := server.post(recordPath, body, "Idempotency-Key: k"); answer.status != 422 {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
}

func TestW7_InvalidTimesOfObservation(t *testing.T) {
	server, _ := onSQLite(t)
	for _, ahead := range []string{"2999-01-01T00:00:00Z", time.Now().Add(65 * time.Second).UTC().Format(time.RFC3339)} {
		member := fmt.Sprintf(`"observed_at":%q`, ahead)
		for path, body := range map[string]string{
			recordPath:      deployment(1, member),
			batchPath:       batchBody(","+member, named("a", 1)),
			batchPath + "?": batchBody(`,"partial":true,"complete":true,"environment_name":"eu",`+member, named("a", 1)),
		} {
			answer := server.post(path, body)
			got := answer.details(t)
			if answer.status != 400 || len(got) != 1 || !strings.HasPrefix(got[0], "observed_at: "+ahead+" is more than a minute ahead of the server's clock, ") {
				t.Errorf("%s: got %d %s", path, answer.status, answer.body)
			}
		}
	}
	if answer := server.post(recordPath, deployment(1, `"observed_at":"0001-01-01T00:00:00Z"`)); answer.status != 400 {
		t.Errorf("the zero time: got %d %s", answer.status, answer.body)
	}
	server.post(recordPath, deployment(1, fmt.Sprintf(`"observed_at":%q`, time.Now().Add(30*time.Second).UTC().Format(time.RFC3339)))).record(t)
}

func TestW7_ABatchTakesNoIdempotencyKey(t *testing.T) {
	server, _ := onSQLite(t)
	for name, more := range map[string]string{"plain": "", "with a time": "," + observedAt(1), "partial": `,"partial":true`, "a snapshot": snapshotOf("eu", time.Now())} {
		for _, key := range []string{"k", "", strings.Repeat("k", 500)} {
			answer := server.post(batchPath, batchBody(more, named("a", 1)), "Idempotency-Key: "+key)
			if got := answer.details(t); answer.status != 400 || len(got) != 1 || !strings.Contains(got[0], "observed_at") {
				t.Errorf("%s, key %q: got %d %s", name, key, answer.status, answer.body)
			}
		}
	}
	if got := server.statuses(""); got != "" {
		t.Errorf("something was recorded: %s", got)
	}
}
