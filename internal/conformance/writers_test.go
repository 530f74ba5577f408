package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// startWriter calls write repeatedly until stop is called. stop returns the number of calls.
func startWriter(t *testing.T, write func(n int)) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	written := 0
	done.Go(func() {
		for ; ctx.Err() == nil; written++ {
			write(written)
		}
	})
	return func() int {
		cancel()
		done.Wait()
		return written
	}
}

// recorder records new, unchanged and decommissioned deployments over HTTP, in existing and new slots.
func recorder(t *testing.T, url string) func(n int) {
	write := token(t, auth.ReadDeployments, auth.WriteDeployments)
	random := rand.New(rand.NewPCG(7, 7))
	environments := []string{"prod-eu-1", "PROD-EU-1", "production", "fresh"}
	return func(n int) {
		status := "DEPLOYED"
		if random.IntN(4) == 0 {
			status = "DECOMMISSIONED"
		}
		body := fmt.Sprintf(`{"environment_name":%q,"deployment_name":%q,"kind":"CONTAINER_IMAGE","artifact_digest":"sha256:%064x","status":%q}`,
			environments[random.IntN(len(environments))], []string{"api", "web", "fresh"}[random.IntN(3)], random.IntN(5), status)
		request, err := http.NewRequest(http.MethodPost, url+contract.RecordingPath, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Authorization", "Bearer "+write)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		if answer, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", body, response.StatusCode, answer)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestConcurrentWritersCauseNoFaults(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			s := storetest.Open(t, engine.URL(t))
			storetest.Load(t, s, "acme", history(4)...)
			url := newServer(t, s, nil, smallPages)
			stop := startWriter(t, recorder(t, url))
			o := options(t, url)
			result := run(t, o)
			written := stop()
			requireNoFaults(t, result)
			if written < 10 {
				t.Errorf("only %d recordings were made", written)
			}
			// Environments without writers do not change, so the relations can be judged there.
			for _, rule := range []string{"pages.whole", "pages.agree", "filter.subset", "filter.intersection", "latest.newest", "latest.filtered"} {
				if outcome := resultOf(t, result, rule); outcome.Verdict != report.Kept {
					t.Errorf("%s is %q: %s", rule, outcome.Verdict, outcome.Why)
				}
			}
			t.Logf("%d recordings, %d requests, %s", written, result.Requests, result.Summary())
		})
	}
}

// Servers that are wrong in one record or slot are left out: the suite prefers parts of the data that do not change and may
// miss that one. How many requests go to other parts depends on chance, so one of three runs must detect the fault. Only make
// soak tries more than one server of each rule.
func TestBrokenStoresAreDetectedDuringWrites(t *testing.T) {
	tried := map[string]bool{}
	for _, broken := range brokenStores {
		switch broken.rule {
		case "filter.satisfied", "filter.subset", "latest.newest", "latest.slot-once", "pages.whole", "own.filter-after-latest", "order.same-twice":
		default:
			continue
		}
		if broken.name == "an older record as latest of one slot" || broken.name == "a filter loses a record" {
			continue
		}
		if tried[broken.rule] && !soak {
			continue
		}
		tried[broken.rule] = true
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			m := correctStore()
			broken.mutate(m)
			url := newServer(t, m, nil, smallPages)
			stop := startWriter(t, func(n int) {
				e := storetest.Entry(100_000+n, 1000+n, []string{"production", "fresh"}[n%2], "new", storetest.WithIDs("acme"))
				m.mu.Lock()
				m.entries = append(slices.Clip(m.entries), e)
				m.mu.Unlock()
				time.Sleep(2 * time.Millisecond)
			})
			var outcome report.Result
			var text bytes.Buffer
			for seed := uint64(1); seed <= 3 && outcome.Verdict != report.Broken; seed++ {
				o := options(t, url)
				o.Seed = seed
				result := run(t, o)
				outcome = resultOf(t, result, broken.rule)
				_ = result.Write(&text, "text")
			}
			if written := stop(); written < 10 {
				t.Errorf("only %d records were added", written)
			}
			if outcome.Verdict != report.Broken {
				t.Errorf("%s is %q:\n%s", broken.rule, outcome.Verdict, text.String())
			}
		})
	}
}

// The writer of the tests above causes no faults itself.
func TestUnmodifiedServerHasNoFaultsDuringWrites(t *testing.T) {
	m := correctStore()
	url := newServer(t, m, nil, smallPages)
	stop := startWriter(t, func(n int) {
		e := storetest.Entry(100_000+n, 1000+n, []string{"production", "fresh"}[n%2], "new", storetest.WithIDs("acme"))
		m.mu.Lock()
		m.entries = append(slices.Clip(m.entries), e)
		m.mu.Unlock()
		time.Sleep(2 * time.Millisecond)
	})
	result := run(t, options(t, url))
	stop()
	requireNoFaults(t, result)
}
