package httpserver_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// wholeHistory reads all records of acme and checks the invariants of every recorded history.
func wholeHistory(t *testing.T, s deployments.Store) []deployments.Record {
	t.Helper()
	all := storetest.Ask(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{History: deployments.All, Page: deployments.Page{Size: 1_000_000}}).Records
	newest := map[deployments.Slot]deployments.Record{}
	running := map[string]bool{}
	for _, r := range all { // newest first
		identity := fmt.Sprint(r.Slot(), r.LogicalEnvironmentID, r.Artifact.Kind)
		if r.Status == deployments.Deployed && running[identity] {
			t.Errorf("W1: two records of %s are deployed", identity)
		}
		running[identity] = running[identity] || r.Status == deployments.Deployed
		if later, ok := newest[r.Slot()]; !ok {
			newest[r.Slot()] = r
		} else if !r.CreatedAt.Before(later.CreatedAt) {
			t.Errorf("W6: two records of %v were created at %v", r.Slot(), r.CreatedAt)
		}
		if r.UpdatedAt.Before(r.CreatedAt) || r.LastSeenAt.Before(r.CreatedAt) {
			t.Errorf("R2: %+v", r)
		}
	}
	latest := storetest.Ask(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{Page: deployments.Page{Size: 1_000_000}}).Records
	if len(latest) != len(newest) {
		t.Errorf("%d latest records of %d slots", len(latest), len(newest))
	}
	for _, r := range latest {
		if r != newest[r.Slot()] {
			t.Errorf("the latest of %v is %+v, the list returns %+v", r.Slot(), newest[r.Slot()], r)
		}
	}
	return all
}

func TestW5_W6_ConcurrentRecordingsOfFewSlots(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		const writers, each = 32, 12
		var (
			group        sync.WaitGroup
			mu           sync.Mutex
			acknowledged = map[string]bool{}
		)
		note := func(r *recorded) {
			mu.Lock()
			defer mu.Unlock()
			acknowledged[r.ID] = true
		}
		for writer := range writers {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(writer), 7))
				slots := []string{"a", "b", "c"}
				for range each {
					slot := slots[random.IntN(len(slots))]
					switch random.IntN(5) {
					case 0:
						random.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
						var items []string
						for _, slot := range slots {
							items = append(items, named(slot, 1+random.IntN(9)))
						}
						for _, result := range server.post(batchPath, batchBody("", items...)).batch(t).Results {
							note(result.Record)
						}
					case 1:
						r := server.post(recordPath, named(slot, 1+random.IntN(9), `"status":"DECOMMISSIONED"`)).record(t)
						note(&r)
					default:
						r := server.post(recordPath, named(slot, 1+random.IntN(9), fmt.Sprintf(`"artifact_version":"%d"`, random.IntN(3)))).record(t)
						note(&r)
					}
				}
			})
		}
		group.Wait()
		all := wholeHistory(t, store)
		for _, r := range all {
			delete(acknowledged, r.ID)
		}
		if len(acknowledged) > 0 {
			t.Errorf("%d records were acknowledged and are lost", len(acknowledged))
		}
		artifacts := map[deployments.Artifact]string{}
		for _, r := range all {
			if id, ok := artifacts[r.Artifact]; ok && id != r.ArtifactID {
				t.Errorf("%+v was created twice", r.Artifact)
			}
			artifacts[r.Artifact] = r.ArtifactID
		}
	})
}

func TestADatabaseThatStopsUnderLoadLosesNoRecord(t *testing.T) {
	cluster := pgtest.NewCluster(t)
	store := storetest.Open(t, cluster.URL())
	server := newServer(t, store)
	const clients, each = 8, 30
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for n := range each {
				body := named(fmt.Sprint("slot", client%3), 1+client*each+n)
				key := fmt.Sprintf("Idempotency-Key: %d-%d", client, n)
				for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
					answer := server.post(recordPath, body, key)
					if answer.status == http.StatusOK {
						break
					}
					if answer.status < 500 || time.Now().After(deadline) {
						t.Errorf("got %d %s", answer.status, answer.body)
						return
					}
				}
			}
		})
	}
	for range 3 {
		time.Sleep(150 * time.Millisecond)
		cluster.Stop()
		time.Sleep(50 * time.Millisecond)
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
	seen := map[string]int{}
	for _, r := range wholeHistory(t, store) {
		seen[r.Artifact.Digest]++
	}
	for n := range clients * each {
		if got := seen[storetest.Digest(1+n)]; got != 1 {
			t.Errorf("%s was recorded %d times", storetest.Digest(1+n), got)
		}
	}
}

func TestALateRetryWithoutAKeyIsARollback(t *testing.T) {
	// Without a key, a late retry looks like a rollback.
	server, store := onSQLite(t)
	server.post(recordPath, deployment(1)).record(t)
	server.post(recordPath, deployment(2)).record(t)
	server.post(recordPath, deployment(1)).record(t)
	var digests []string
	for _, r := range wholeHistory(t, store) {
		digests = append(digests, strings.TrimLeft(strings.TrimPrefix(r.Artifact.Digest, "sha256:"), "0"))
	}
	if !slices.Equal(digests, []string{"1", "2", "1"}) {
		t.Errorf("got %s", digests)
	}
}
