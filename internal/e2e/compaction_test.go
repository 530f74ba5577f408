package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Two servers compact the counters while clients write to both. verify finds the counters equal to the records.
func TestServersCompactTheCountersOfLists(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			env := []string{"DATABASE_URL=" + engine.URL(t)}
			servers := []*process{serve(t, env), serve(t, env)}
			bearer := token(t, "acme", "--scope", "deployments:read deployments:write")
			mustRun(t, []string{"DEPLOYRECORDS_URL=" + servers[0].url, "DEPLOYRECORDS_TOKEN=" + bearer}, "record",
				"--environment", "first", "--deployment", "first", "--chart", "c", "--version", "1", "--digest", storetest.Digest(1))
			var writers sync.WaitGroup
			for w := range 4 {
				writers.Go(func() {
					for i := range 25 {
						body := fmt.Sprintf(`{"environment_name":"e%d","deployment_name":"d%d","kind":"CONTAINER_IMAGE","artifact_digest":%q}`,
							w%2, i%5, storetest.Digest(i*4+w))
						request, _ := http.NewRequest(http.MethodPost, servers[i%2].url+contract.RecordingPath, strings.NewReader(body))
						request.Header.Set("Authorization", "Bearer "+bearer)
						request.Header.Set("Content-Type", "application/json")
						response, err := http.DefaultClient.Do(request)
						if err != nil {
							t.Error(err)
							return
						}
						_ = response.Body.Close()
						if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
							t.Errorf("status %d", response.StatusCode)
						}
					}
				})
			}
			written := make(chan struct{})
			go func() { writers.Wait(); close(written) }()
			for done := false; !done; {
				select {
				case <-written:
					done = true
				case <-time.After(100 * time.Millisecond):
				}
				mustRun(t, env, "verify", "--organization", "acme") // also while clients write
			}
			giveUp := time.Now().Add(time.Minute)
			for out := ""; !strings.Contains(out, "acme: 101 records, 11 slots,") || !strings.Contains(out, " 0 pending changes"); {
				if out = mustRun(t, env, "verify"); time.Now().After(giveUp) {
					t.Fatalf("after a minute: %s", out)
				}
			}
			for _, server := range servers {
				if code := server.stop(t); code != 0 || strings.Contains(server.log.String(), "level=WARN") {
					t.Errorf("exit code %d:\n%s", code, server.log)
				}
			}
		})
	}
}
