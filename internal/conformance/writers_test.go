package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// writing runs the writer, again and again, until the returned function is called, which tells how often it has run.
func writing(t *testing.T, write func(n int)) (stop func() int) {
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

// recorder records over HTTP: other artifacts, the same again, and the end of them, in old slots and new.
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
		request, err := http.NewRequest(http.MethodPost, url+"/v1/deployments", strings.NewReader(body))
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

func TestTheSuiteIsSilentWhileOthersRecord(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			s := storetest.Open(t, engine.URL(t))
			storetest.Load(t, s, "acme", history(4)...)
			url := newServer(t, s, nil, smallPages)
			stop := writing(t, recorder(t, url))
			o := options(t, url)
			result := run(t, o)
			written := stop()
			wantSilence(t, result)
			if written < 10 {
				t.Errorf("only %d recordings were made: nobody was in the way", written)
			}
			// The environments in which nobody records stand still, so that the laws can be judged in them.
			for _, rule := range []string{"pages.whole", "pages.agree", "filter.subset", "filter.intersection", "latest.newest", "latest.filtered"} {
				if outcome := find(t, result, rule); outcome.Verdict != report.Kept {
					t.Errorf("%s is %q: %s", rule, outcome.Verdict, outcome.Why)
				}
			}
			t.Logf("%d recordings, %d requests, %s", written, result.Requests, result.Summary())
		})
	}
}

// Servers that are wrong are wrong while others write, too. Left out are those that are wrong in one record or one slot:
// the suite looks at parts of the data that stand still, and need not come by that one. How many questions are spent on
// parts that do not is a matter of chance, so that one of three runs must see it.
func TestBrokenServersAreCaughtWhileOthersRecord(t *testing.T) {
	for _, broken := range brokenStores {
		switch broken.rule {
		case "filter.satisfied", "filter.subset", "latest.newest", "latest.slot-once", "pages.whole", "own.filter-after-latest", "order.same-twice":
		default:
			continue
		}
		if broken.name == "an older record as latest of one slot" || broken.name == "a filter loses a record" {
			continue
		}
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			m := rightMemory()
			broken.spoil(m)
			url := newServer(t, m, nil, smallPages)
			stop := writing(t, func(n int) {
				e := storetest.Entry(100_000+n, 1000+n, []string{"production", "fresh"}[n%2], "new", storetest.WithIDs("acme"))
				m.mu.Lock()
				m.entries = append(m.entries[:len(m.entries):len(m.entries)], e)
				m.mu.Unlock()
				time.Sleep(2 * time.Millisecond)
			})
			var outcome report.Result
			var text bytes.Buffer
			for seed := uint64(1); seed <= 3 && outcome.Verdict != report.Broken; seed++ {
				o := options(t, url)
				o.Seed = seed
				result := run(t, o)
				outcome = find(t, result, broken.rule)
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

// The right server in memory, with the same writer: what is caught above is not the writer.
func TestTheRightServerIsSilentWithThatWriter(t *testing.T) {
	m := rightMemory()
	url := newServer(t, m, nil, smallPages)
	stop := writing(t, func(n int) {
		e := storetest.Entry(100_000+n, 1000+n, []string{"production", "fresh"}[n%2], "new", storetest.WithIDs("acme"))
		m.mu.Lock()
		m.entries = append(m.entries[:len(m.entries):len(m.entries)], e)
		m.mu.Unlock()
		time.Sleep(2 * time.Millisecond)
	})
	result := run(t, options(t, url))
	stop()
	wantSilence(t, result)
}
