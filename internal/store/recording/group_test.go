package recording_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// groupStore is a store that can form a group of any recordings.
type groupStore struct {
	*store.Store
	t          *testing.T
	db         *database.DB
	statements *atomic.Int64
	mu         sync.Mutex
	onNextID   func()
}

// onNewID calls a function, once, for the next new id: the transaction of that recording waits.
func (s *groupStore) onNewID(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onNextID = do
}

func (s *groupStore) newID() string {
	s.mu.Lock()
	do := s.onNextID
	s.onNextID = nil
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return uuid.NewString()
}

func newGroupStore(t *testing.T, url string, p store.Parts) *groupStore {
	s := &groupStore{t: t, db: storetest.OpenDatabase(t, url)}
	s.statements = countStatements(t, s.db)
	p.NewID = s.newID
	s.Store = store.New(s.db, p)
	s.LetGroupsRunFor(time.Hour)
	return s
}

// request is a recording that its own client sends.
type request struct {
	deployments.Recording
	key       string // or none
	noNewName bool
}

func (s *groupStore) send(ctx context.Context, r request) (deployments.Record, error) {
	batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: r.Recording}}, Single: true, AutoCreate: !r.noNewName}
	if r.key != "" {
		return s.RecordIdempotent(ctx, "acme", deployments.IdempotencyKey{
			Subject: "ci", Key: r.key, Request: sha256.Sum256(fmt.Append(nil, r.Recording)),
		}, batch)
	}
	result, err := s.Record(ctx, "acme", batch)
	if err != nil {
		return deployments.Record{}, err
	}
	return result.Items[0].Record, nil
}

func (s *groupStore) mustSend(r request) deployments.Record {
	s.t.Helper()
	record, err := s.send(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return record
}

// sent is what a client got.
type sent struct {
	deployments.Record
	err error
}

// sendAtOnce sends requests that arrive while another recording runs. So many of them wait for a group meanwhile.
func (s *groupStore) sendAtOnce(waiting int, requests ...request) []sent {
	s.t.Helper()
	results := make([]sent, len(requests))
	var clients sync.WaitGroup
	s.onNewID(func() {
		for i, r := range requests {
			clients.Go(func() { results[i].Record, results[i].err = s.send(s.t.Context(), r) })
		}
		for deadline := time.Now().Add(30 * time.Second); s.Waiting("acme") < waiting; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				s.t.Errorf("%d of %d recordings wait", s.Waiting("acme"), waiting)
				return
			}
		}
	})
	s.mustSend(request{Recording: recordingAt(fmt.Sprint("first of ", len(requests)), 999)})
	clients.Wait()
	return results
}

func TestSingleRecordingsThatArriveAtOnceShareATransaction(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{MilestoneInterval: 2})
		s.mustSend(request{Recording: recordingAt("superseded", 1)})
		s.mustSend(request{Recording: recordingAt("seen again", 2)})
		s.mustSend(request{Recording: recordingAt("filled", 3)})
		s.mustSend(request{Recording: recordingAt("ended", 4)})
		before := s.statements.Load()
		s.mustSend(request{Recording: recordingAt("alone", 5)})
		alone := s.statements.Load() - before

		name := "web"
		filled, ended, linked := recordingAt("filled", 3), recordingAt("ended", 4), recordingAt("linked", 10)
		filled.Name, ended.Status = &name, deployments.Decommissioned
		linked.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}}
		requests := []request{
			{Recording: recordingAt("superseded", 10)},
			{Recording: recordingAt("seen again", 2)},
			{Recording: filled},
			{Recording: ended},
			{Recording: linked},
			{Recording: recordingAt("with a key", 11), key: "a"},
			{Recording: recordingAt("with another key", 12), key: "b"},
			{Recording: recordingAt("new", 13)},
		}
		before = s.statements.Load()
		results := s.sendAtOnce(len(requests), requests...)
		if took := s.statements.Load() - before; took > 5*alone {
			t.Errorf("%d recordings took %d statements, and one alone %d", len(requests), took, alone)
		}
		listed := make(map[string]deployments.Record)
		for _, record := range storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All}).Records {
			listed[record.ID] = record
		}
		for i, got := range results {
			if got.err != nil {
				t.Errorf("%s: %v", requests[i].DeploymentName, got.err)
				continue
			}
			if want := listed[got.ID]; got.Record != want || got.DeploymentName != requests[i].DeploymentName || got.Status != requests[i].Status {
				t.Errorf("%s: got %+v, and the listing has %+v", requests[i].DeploymentName, got.Record, want)
			}
		}
		if got := results[2].Artifact.Name; got != name {
			t.Errorf("the name %q was filled in", got)
		}
		if again := s.mustSend(requests[5]); again.ID != results[5].ID {
			t.Error("the key of a group does not stand for its record")
		}
		if _, err := s.send(t.Context(), request{Recording: recordingAt("with a key", 99), key: "b"}); !errors.Is(err, deployments.ErrKeyReused) {
			t.Errorf("another request with the key of a group: %v", err)
		}
		if items := s.Outcomes.Stats().Items; items[outcomes.Added] != 11 || items[outcomes.Repeated] != 4 {
			t.Errorf("the outcomes are %v", items)
		}
		storetest.RequireExactCounts(t, s.Store, s.db.Pool, "acme")
		storetest.RequireVerified(t, s.Store, "acme")
	})
}

// A recording that the rules reject gets the error that it would get alone, and the others of its group are recorded.
func TestARejectedRecordingDoesNotHarmItsGroup(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{Quotas: store.Quotas{Environments: 2}})
		s.mustSend(request{Recording: recordingAt("api", 1)})
		elsewhere := func(environment string) deployments.Recording {
			r := recordingAt("api", 2)
			r.EnvironmentName = environment
			return r
		}
		results := s.sendAtOnce(4,
			request{Recording: recordingAt("web", 2)}, request{Recording: elsewhere("us"), key: "us"}, request{Recording: elsewhere("asia"), key: "asia"},
			request{Recording: recordingAt("job", 3), key: "job"})
		var rejected []sent
		for _, got := range results {
			if got.err != nil {
				rejected = append(rejected, got)
			}
		}
		var quota *deployments.QuotaError
		if len(rejected) != 1 || !errors.As(rejected[0].err, &quota) || results[0].err != nil || results[3].err != nil {
			t.Fatalf("got %+v", results)
		}
		stats := s.Outcomes.Stats()
		if stats.Items[outcomes.Rejected] != 1 || stats.QuotaRejections["environments"] != 1 || stats.Items[outcomes.Added] != 5 {
			t.Errorf("the outcomes are %+v", stats)
		}
		// The key of the one that was rejected stands for nothing.
		key := "us"
		if results[1].err == nil {
			key = "asia"
		}
		s.mustSend(request{Recording: recordingAt("cache", 4), key: key})

		unknown := request{Recording: elsewhere("unknown"), noNewName: true}
		results = s.sendAtOnce(2, unknown, request{Recording: recordingAt("web", 5), noNewName: true})
		var batch *deployments.BatchError
		if _, alone := s.send(t.Context(), unknown); !errors.As(results[0].err, &batch) || results[0].err.Error() != alone.Error() || results[1].err != nil {
			t.Errorf("an unknown name: got %+v, alone %v", results, alone)
		}
	})
}

// Recordings that meet in a slot or a key do not share a transaction: each answer has the state right after its recording.
func TestRecordingsThatMeetDoNotShareATransaction(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{})
		results := s.sendAtOnce(1, request{Recording: recordingAt("api", 1)}, request{Recording: recordingAt("api", 2)}, request{Recording: recordingAt("api", 3)})
		for _, got := range results {
			if got.err != nil || got.Status != deployments.Deployed {
				t.Errorf("got %+v", got)
			}
		}
		if records := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, DeploymentName: "api"}).Records; len(records) != 3 {
			t.Errorf("%d records", len(records))
		}
		same := request{Recording: recordingAt("web", 1), key: "k"}
		results = s.sendAtOnce(1, same, same)
		if results[0].err != nil || results[1].err != nil || results[0].ID != results[1].ID {
			t.Errorf("one key: got %+v", results)
		}
		storetest.RequireExactCounts(t, s.Store, s.db.Pool, "acme")
	})
}

// A recording that the rules reject after names were created leaves none, as it would alone.
func TestARejectedRecordingLeavesNothing(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{Quotas: store.Quotas{Environments: 2, Projects: 1, Deployments: 10}})
		s.mustSend(request{Recording: recordingAt("api", 1)})
		withoutDigest := recordingAt("api", 2)
		withoutDigest.EnvironmentName, withoutDigest.Digest, withoutDigest.Status = "typo", "", deployments.Decommissioned
		withoutDigest.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "typo", VersionName: "v1"}}
		results := s.sendAtOnce(3, request{Recording: withoutDigest, key: "k"}, request{Recording: recordingAt("web", 2)}, request{Recording: recordingAt("job", 3)})
		var rejected *deployments.BatchError
		if !errors.As(results[0].err, &rejected) || results[1].err != nil || results[2].err != nil {
			t.Fatalf("got %+v", results)
		}
		if !results[1].CreatedAt.Equal(results[2].CreatedAt) {
			t.Error("the others did not share a transaction")
		}
		other := recordingAt("api", 3)
		other.EnvironmentName, other.ProjectVersions = "us", []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}}
		s.mustSend(request{Recording: other, key: "k"})
		storetest.RequireExactCounts(t, s.Store, s.db.Pool, "acme")
		storetest.RequireVerified(t, s.Store, "acme")
	})
}

// A repeated key stands for its record, and the others of its group share a transaction.
func TestARepeatedKeyLeavesItsGroup(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{})
		known := request{Recording: recordingAt("api", 1), key: "known"}
		before := s.mustSend(known)
		results := s.sendAtOnce(3, known, request{Recording: recordingAt("web", 2), key: "new"}, request{Recording: recordingAt("job", 3)})
		for i, got := range results {
			if got.err != nil {
				t.Errorf("recording %d: %v", i, got.err)
			}
		}
		if results[0].ID != before.ID {
			t.Error("a repeated key led to another record")
		}
		if !results[1].CreatedAt.Equal(results[2].CreatedAt) {
			t.Error("the others did not share a transaction")
		}
		if items := s.Outcomes.Stats().Items; items[outcomes.Added] != 4 || items[outcomes.Repeated] != 1 {
			t.Errorf("the outcomes are %v", items)
		}
		storetest.RequireExactCounts(t, s.Store, s.db.Pool, "acme")
	})
}

// A client that gives up before its group has recorded gets nothing recorded, and the others of the group do.
func TestAClientThatGivesUpIsNotRecorded(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{})
		gone, giveUp := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		s.onNewID(func() {
			clients.Go(func() {
				if _, err := s.send(gone, request{Recording: recordingAt("gone", 1)}); !errors.Is(err, context.Canceled) {
					t.Errorf("the client that gave up got %v", err)
				}
			})
			for i := range 3 {
				clients.Go(func() { s.mustSend(request{Recording: recordingAt(fmt.Sprint("s", i), i)}) })
			}
			for s.Waiting("acme") < 4 && t.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			var whenTheGroupRuns func()
			whenTheGroupRuns = func() {
				if s.Waiting("acme") > 0 {
					s.onNewID(whenTheGroupRuns)
				} else {
					giveUp()
				}
			}
			s.onNewID(whenTheGroupRuns)
		})
		s.mustSend(request{Recording: recordingAt("first", 9)})
		clients.Wait()
		if n := storetest.Ask(t, s, storetest.Acme, deployments.Query{DeploymentName: "gone"}).Total; n != 0 {
			t.Error("it was recorded")
		}
		times := make(map[time.Time]bool)
		for i := range 3 {
			times[storetest.Ask(t, s, storetest.Acme, deployments.Query{DeploymentName: fmt.Sprint("s", i)}).Records[0].CreatedAt] = true
		}
		if len(times) != 1 {
			t.Errorf("the others have the times of %d transactions", len(times))
		}
		if items := s.Outcomes.Stats().Items; items[outcomes.Added] != 4 {
			t.Errorf("the outcomes are %v", items)
		}
	})
}

// Recordings whose time ends before their group runs are counted as failed, and those for which the gate has no place as busy.
func TestRecordingsThatNoGroupRecordsAreCounted(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := newGroupStore(t, url, store.Parts{Shares: admission.Shares{Listings: 1, CountedListings: 1, Recordings: 1}, MaxWait: time.Nanosecond})
		isOverload := func(err error) bool {
			_, ok := errors.AsType[*deployments.OverloadError](err)
			return ok
		}
		isLate := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
		sendTwo := func(timeout time.Duration, want func(error) bool) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			var clients sync.WaitGroup
			for i := range 2 {
				clients.Go(func() {
					if _, err := s.send(ctx, request{Recording: recordingAt(fmt.Sprint("s", i), i)}); !want(err) {
						t.Errorf("within %v: got %v", timeout, err)
					}
				})
			}
			clients.Wait()
		}
		s.onNewID(func() { sendTwo(50*time.Millisecond, isLate) })
		s.mustSend(request{Recording: recordingAt("first", 9)})
		s.LetGroupsRunFor(time.Millisecond)
		s.onNewID(func() { sendTwo(time.Hour, isOverload) })
		s.mustSend(request{Recording: recordingAt("second", 9)})
		if items := s.Outcomes.Stats().Items; items[outcomes.Failed] != 2 || items[outcomes.Busy] != 2 || items[outcomes.Added] != 2 {
			t.Errorf("the outcomes are %v", items)
		}
	})
}

// A recording waits for the slot that another transaction has locked, as long as it takes. The others of its group do not.
func TestALockedSlotHoldsUpItsRecordingOnly(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := newGroupStore(t, url, store.Parts{})
	s.mustSend(request{Recording: recordingAt("locked", 1)})
	locked := make(chan sent, 1)
	holder := storetest.Begin(t, storetest.OpenSQL(t, url), "SELECT FROM slots WHERE deployment_name = 'locked' FOR UPDATE")
	var others sync.WaitGroup
	s.onNewID(func() {
		go func() {
			var got sent
			got.Record, got.err = s.send(t.Context(), request{Recording: recordingAt("locked", 2)})
			locked <- got
		}()
		for i := range 3 {
			others.Go(func() { s.mustSend(request{Recording: recordingAt(fmt.Sprint("s", i), 2)}) })
		}
		for s.Waiting("acme") < 4 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
	})
	s.mustSend(request{Recording: recordingAt("first", 3)})
	others.Wait()
	select {
	case got := <-locked:
		t.Fatalf("it did not wait: %+v", got)
	default:
	}
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := <-locked; got.err != nil {
		t.Error(got.err)
	}
}

// Many clients at once, with and without keys, some in the same slots: nothing is lost and every total is exact.
func TestClientsAtOnceLoseNothing(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := &groupStore{Store: store.New(db, store.Parts{MilestoneInterval: 2}), t: t, db: db}
		const clients, each = 8, 25
		var wait sync.WaitGroup
		ids := make([][]string, clients)
		for client := range clients {
			wait.Go(func() {
				for i := range each {
					r := request{Recording: recordingAt(fmt.Sprint("s", (client+i*7)%11), client*each+i)}
					if i%3 == 0 {
						r.key = fmt.Sprint(client, ".", i)
					}
					got, err := s.send(t.Context(), r)
					if err != nil {
						t.Errorf("client %d, recording %d: %v", client, i, err)
						return
					}
					ids[client] = append(ids[client], got.ID)
				}
			})
		}
		wait.Wait()
		all := slices.Concat(ids...)
		slices.Sort(all)
		result := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All})
		if n := len(slices.Compact(all)); n != clients*each || result.Total != clients*each {
			t.Errorf("%d records were answered, and the total is %d", n, result.Total)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{Status: deployments.Deployed}).Total; got != 11 {
			t.Errorf("%d slots have a deployed record", got)
		}
		storetest.RequireExactCounts(t, s.Store, db.Pool, "acme")
		storetest.RequireVerified(t, s.Store, "acme")
	})
}
