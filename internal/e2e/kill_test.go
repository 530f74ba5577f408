package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// attempt is a sent recording with the acknowledged record, if any.
type attempt struct {
	key, body, digest, id string
}

// send records and returns the id of the record, or "" without a response.
func send(url, bearer string, a *attempt) string {
	id, status, err := post(context.Background(), url, bearer, a)
	if status != 0 && err != nil {
		return "no id, but an answer that the contract does not allow: " + err.Error()
	}
	return id
}

// post records and returns the status of the response, or 0 without one, and the id of the record with a 200. With a status, the
// error is a violation of the contract.
func post(ctx context.Context, url, bearer string, a *attempt) (id string, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+contract.RecordingPath, strings.NewReader(a.body))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", a.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		Record struct{ ID string } `json:"deployment_record"`
	}
	if response.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, &answer)
	}
	return answer.Record.ID, response.StatusCode, errors.Join(err, contracttest.Check(request, response.StatusCode, response.Header, text))
}

func TestAKilledServerLosesAndDuplicatesNoRecord(t *testing.T) {
	const kills, recorders = 20, 3
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			env := []string{"DATABASE_URL=" + engine.URL(t)}
			bearer := token(t, "acme", "--scope", "deployments:read", "--scope", "deployments:write")
			var (
				mu       sync.Mutex
				attempts []*attempt
			)
			for round := range kills {
				server := serve(t, env)
				var group sync.WaitGroup
				var answered atomic.Int64
				for recorder := range recorders {
					group.Go(func() {
						for n := 0; ; n++ {
							digest := storetest.Digest(1 + (round*recorders+recorder)*1_000_000 + n)
							a := &attempt{
								key: fmt.Sprintf("%d-%d-%d", round, recorder, n), digest: digest,
								body: fmt.Sprintf(`{"environment_name":"eu","deployment_name":"slot%d","kind":"CONTAINER_IMAGE","artifact_digest":%q}`, n%2, digest),
							}
							a.id = send(server.url, bearer, a)
							mu.Lock()
							attempts = append(attempts, a)
							mu.Unlock()
							if a.id == "" {
								return // the server is killed
							}
							answered.Add(1)
						}
					})
				}
				// Kill the server during requests, after a minimum of responses however busy the machine is.
				enough := int64(recorders + rand.IntN(20))
				for giveUp := time.Now().Add(30 * time.Second); answered.Load() < enough && time.Now().Before(giveUp); {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
				_ = server.cmd.Process.Kill() // SIGKILL
				_ = server.cmd.Wait()
				group.Wait()
			}

			server := serve(t, env)
			acknowledged := 0
			records := map[string][]client.DeploymentRecord{} // by digest
			history := walk(t, server.url, bearer, 100, true)
			for _, r := range history {
				records[r.Artifact.Digest] = append(records[r.Artifact.Digest], r)
			}
			for _, a := range attempts {
				found := records[a.digest]
				switch {
				case a.id != "" && (len(found) != 1 || found[0].Id != a.id):
					t.Errorf("%s was acknowledged as %s, and there is %v", a.key, a.id, found)
				case a.id == "" && len(found) > 1:
					t.Errorf("%s was not acknowledged, and is there %d times", a.key, len(found))
				}
				if a.id != "" {
					acknowledged++
				}
			}
			if acknowledged < kills*recorders {
				t.Errorf("only %d of %d recordings were acknowledged: the kills came too early to prove anything", acknowledged, len(attempts))
			}
			running := 0
			for _, r := range history {
				if r.Status == client.DeploymentStatusDEPLOYED {
					running++
				}
			}
			if running != 2 {
				t.Errorf("W1: %d records are deployed in two slots", running)
			}

			// A retry of all attempts records the missing ones. Another retry changes nothing.
			for _, a := range attempts {
				id := send(server.url, bearer, a)
				if id == "" || a.id != "" && id != a.id {
					t.Errorf("%s was acknowledged as %q, and its repeat as %q", a.key, a.id, id)
				}
			}
			before := ndjson(t, walk(t, server.url, bearer, 100, true))
			for _, a := range attempts {
				send(server.url, bearer, a)
			}
			if after := ndjson(t, walk(t, server.url, bearer, 100, true)); !bytes.Equal(before, after) {
				t.Error("the second retry changed the history")
			}
			t.Logf("%d recordings, %d acknowledged, %d in the history", len(attempts), acknowledged, bytes.Count(before, []byte("\n")))
		})
	}
}
