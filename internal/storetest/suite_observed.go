package storetest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// past returns a time that recordings of a test were observed at; greater numbers are later.
func past(seconds int) time.Time {
	return time.Now().UTC().Truncate(time.Hour).Add(time.Duration(seconds-24*3600) * time.Second)
}

// observe records at a time, and fails the test if that fails.
func observe(t testing.TB, s deployments.Store, at time.Time, r deployments.Recording) deployments.Record {
	t.Helper()
	batch := batchOf(r)
	batch.ObservedAt = at
	result, err := s.Record(background, "acme", batch)
	if err != nil {
		t.Fatalf("record %+v at %v: %v", r, at, err)
	}
	return result.Items[0].Record
}

func requireTimes(t testing.TB, r deployments.Record, created, updated, seen time.Time) {
	t.Helper()
	if !r.CreatedAt.Equal(created) || !r.UpdatedAt.Equal(updated) || !r.LastSeenAt.Equal(seen) {
		t.Errorf("created %v, updated %v, seen %v, want %v, %v, %v", r.CreatedAt, r.UpdatedAt, r.LastSeenAt, created, updated, seen)
	}
}

func testW7_TimesOfARecordAreThoseOfItsObservations(t *testing.T, open Opener) {
	s := open(t)
	at := past
	first := observe(t, s, at(10), image("eu", "api", 1))
	requireTimes(t, first, at(10), at(10), at(10))
	requireTimes(t, observe(t, s, at(20), image("eu", "api", 1)), at(10), at(20), at(20))
	requireTimes(t, observe(t, s, at(15), image("eu", "api", 1)), at(10), at(20), at(20)) // late, and harmless
	second := observe(t, s, at(30), image("eu", "api", 2))
	requireTimes(t, second, at(30), at(30), at(30))
	requireTimes(t, observe(t, s, at(40), decommission(image("eu", "api", 2))), at(30), at(40), at(30))
	requireTimes(t, observe(t, s, at(50), decommission(image("eu", "api", 2))), at(30), at(40), at(50))
	requireStatuses(t, s, map[string]deployments.Status{first.ID: deployments.Superseded, second.ID: deployments.Decommissioned})

	// A slot's records stay in order, also if another identity of it has a later record.
	chart := image("eu", "api", 3)
	chart.Kind = deployments.HelmChart
	created := at(30).Add(time.Microsecond)
	requireTimes(t, observe(t, s, at(5), chart), created, created, created)
}

func testW7_LateRecordingsChangeNothing(t *testing.T, open Opener) {
	s := open(t)
	at := past
	running := observe(t, s, at(10), image("eu", "api", 1))
	for name, r := range map[string]deployments.Recording{
		"another artifact": ofProject(image("eu", "api", 2), "late"), "an end": ofProject(decommission(image("eu", "api", 1)), "late"),
		"an end of another": decommission(image("eu", "api", 2)), "the same": named(image("eu", "api", 1), "", ""),
	} {
		for _, seconds := range []int{5, 10} {
			if got := observe(t, s, at(seconds), r); got != running {
				t.Errorf("%s at %d: got %+v, want %+v", name, seconds, got, running)
			}
		}
	}
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All, ProjectName: "late"}); got.Total != 0 {
		t.Errorf("a late recording added project versions: %+v", got.Records)
	}
	// Nothing is deployed, and any record of the identity counts: the older one was seen last.
	observe(t, s, at(20), decommission(image("eu", "api", 1)))
	newer := observe(t, s, at(25), image("eu", "api", 2))
	observe(t, s, at(26), decommission(image("eu", "api", 2)))
	older := observe(t, s, at(40), decommission(image("eu", "api", 1)))
	for _, seconds := range []int{30, 40} {
		if got := observe(t, s, at(seconds), image("eu", "api", 3)); got != older {
			t.Errorf("at %d: got %+v, want %+v", seconds, got, older)
		}
	}
	if got := observe(t, s, at(26), image("eu", "api", 3)); got.ID != newer.ID {
		t.Errorf("the newest of two: got %+v, want %s", got, newer.ID)
	}
	if got := observe(t, s, at(41), image("eu", "api", 3)); got.Status != deployments.Deployed || !got.CreatedAt.Equal(at(41)) {
		t.Errorf("later than all: got %+v", got)
	}
	// A recording without observed_at is never late.
	record(t, s, image("eu", "api", 4))
}

func testW7_TimesAhead(t *testing.T, open Opener) {
	s := open(t)
	for _, batch := range []deployments.Batch{
		{ObservedAt: time.Now().Add(2 * time.Minute)},
		{ObservedAt: time.Now().Add(2 * time.Minute), Partial: true},
		{Snapshot: &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(2 * time.Minute)}},
	} {
		batch.Items, batch.AutoCreate = batchOf(image("eu", "api", 1)).Items, true
		var rejected *deployments.BatchError
		if _, err := s.Record(background, "acme", batch); !errors.As(err, &rejected) || rejected.Violations[0].Field != "observed_at" {
			t.Errorf("%+v: got %v", batch, err)
		}
	}
	WantIDs(t, s, Acme, deployments.Query{})
	// A stored time that lies ahead counts as now: it does not hide what is observed from now on.
	ahead := Entry(1, 0, "eu", "api")
	ahead.Record.UpdatedAt, ahead.Record.LastSeenAt = time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond), time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond)
	Load(t, s, "acme", ahead)
	if got := observe(t, s, time.Now().Add(-time.Second), image("eu", "api", 2)); got.ID != ahead.Record.ID {
		t.Errorf("before now: got %+v", got)
	}
	if got := observe(t, s, time.Now().Add(20*time.Second), image("eu", "api", 2)); got.ID == ahead.Record.ID {
		t.Errorf("after now: got %+v", got)
	}
}

// observedEvent is a recording of a random history, and the event that must arrive before it.
type observedEvent struct {
	at    time.Time
	r     deployments.Recording
	after int
}

// observedEvents returns a random history of a slot in the order of time, and what runs in the end. Ends name the artifact that
// runs, or none: those need any record of the identity, the others that of their artifact (W4).
func observedEvents(random *rand.Rand, slot string, named bool) (events []observedEvent, runs string) {
	for i := range 2 + random.IntN(6) {
		e := observedEvent{at: past(10 * i), r: image("eu", slot, 1+random.IntN(3)), after: -1}
		if runs != "" && random.IntN(3) == 0 {
			e.r.Status, e.r.Digest, e.after = deployments.Decommissioned, "", 0
			if named {
				e.r.Digest, e.after = runs, i-1
			}
		}
		if runs = e.r.Digest; e.r.Status == deployments.Decommissioned {
			runs = ""
		}
		events = append(events, e)
	}
	return events, runs
}

// The artifact that runs in the end depends on when recordings were observed, not on the order in which they arrive, nor on
// repeats.
func testW7_ArrivalOrderDoesNotMatter(t *testing.T, open Opener) {
	s := open(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 12 {
		slot := string(rune('a' + round))
		events, runs := observedEvents(random, slot, round%2 == 0)
		arrivals := append(random.Perm(len(events)), random.Perm(len(events))...)
		random.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
		arrived := map[int]bool{-1: true}
		var order []int
		for len(arrivals) > 0 {
			next := arrivals[0]
			if arrivals = arrivals[1:]; !arrived[events[next].after] {
				arrivals = append(arrivals, next)
				continue
			}
			observe(t, s, events[next].at, events[next].r)
			arrived[next] = true
			order = append(order, next)
		}
		digest := ""
		if got := Ask(t, s, Acme, deployments.Query{History: deployments.All, DeploymentName: slot, Status: deployments.Deployed}).Records; len(got) > 0 {
			digest = got[0].Artifact.Digest
		}
		if digest != runs {
			t.Fatalf("seed %d, round %d: %q runs, want %q\nevents %+v\norder %v", seed, round, digest, runs, events, order)
		}
	}
}
