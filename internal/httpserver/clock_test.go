package httpserver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The configured clock determines every visible time. Tokens are checked against the real time.
func TestTheServerUsesTheConfiguredClock(t *testing.T) {
	for name, now := range map[string]time.Time{
		"long past": time.Date(2001, 2, 3, 4, 5, 6, 789_000, time.UTC),
		"far ahead": time.Date(2101, 2, 3, 4, 5, 6, 789_000, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			clock := func() time.Time { return now }
			server := newServer(t, storetest.OpenMemory(t, store.MemoryOptions{Now: clock}), func(o *options) { o.Now = clock })
			if created := server.post(recordPath, deployment(1)).record(t).Created; !created.Equal(now) {
				t.Errorf("created at %s, and it is %s", created, now)
			}
			for ahead, want := range map[time.Duration]int{0: http.StatusOK, time.Hour: http.StatusBadRequest} {
				answer := server.post(batchPath, batchBody(`,"complete":true,"environment_name":"eu","observed_at":"`+
					now.Add(ahead).Format(time.RFC3339)+`"`, named("a", 1)))
				if answer.status != want {
					t.Errorf("a snapshot %s ahead: got %d %s", ahead, answer.status, answer.body)
				}
				if date := answer.header.Get("Date"); date != now.Format(http.TimeFormat) {
					t.Errorf("the Date is %s, and it is %s", date, now)
				}
			}
			if answer := server.get(""); answer.status != http.StatusOK {
				t.Errorf("a token of today: got %d %s", answer.status, answer.body)
			}
		})
	}
}
