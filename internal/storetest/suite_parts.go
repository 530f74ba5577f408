package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Parts makes the parts of a snapshot of the environment eu.
type Parts struct {
	ID    string
	Scope deployments.SnapshotScope
	At    time.Time
}

// Part returns a part of the snapshot: the final one of so many parts unless parts is 0.
func (p Parts) Part(number, parts int, recordings ...deployments.Recording) deployments.Batch {
	batch := batchOf(recordings...)
	batch.Snapshot = &deployments.Snapshot{
		EnvironmentName: "eu", Scope: p.Scope, ObservedAt: p.At,
		Part: &deployments.SnapshotPart{SnapshotID: p.ID, Number: number, Parts: parts},
	}
	return batch
}

func newParts() Parts { return Parts{ID: "s", At: time.Now().Add(time.Second)} }

func requireRecord(t testing.TB, s deployments.Store, organization string, batch deployments.Batch) deployments.BatchResult {
	t.Helper()
	result, err := s.Record(background, organization, batch)
	if err != nil {
		t.Fatalf("%+v: %v", batch, err)
	}
	return result
}

func testW8_OnlyTheFinalPartDecommissions(t *testing.T, open Opener) {
	s := open(t)
	omitted, kept, elsewhere := record(t, s, image("eu", "gone", 1)), record(t, s, image("eu", "a", 2)), record(t, s, image("us", "gone", 3))
	want := map[string]deployments.Status{omitted.ID: deployments.Deployed, kept.ID: deployments.Deployed, elsewhere.ID: deployments.Deployed}
	p := newParts()
	var results []deployments.BatchResult
	send := func(batch deployments.Batch, decommissioned int) {
		t.Helper()
		result := requireRecord(t, s, "acme", batch)
		for _, item := range result.Items {
			want[item.Record.ID] = deployments.Deployed
		}
		if result.Decommissioned != decommissioned || result.MissingParts != nil {
			t.Errorf("got %+v", result)
		}
		results = append(results, result)
		requireStatuses(t, s, want)
	}
	send(p.Part(2, 0, image("eu", "b", 4), image("eu", "c", 5)), 0)
	send(p.Part(1, 0, image("eu", "a", 2)), 0)
	want[omitted.ID] = deployments.Decommissioned
	send(p.Part(3, 3, image("eu", "d", 6)), 1)
	// A part that is repeated has the same result.
	ended := record(t, s, image("eu", "later", 7))
	want[ended.ID] = deployments.Deployed
	for i, batch := range []deployments.Batch{
		p.Part(2, 0, image("eu", "b", 4), image("eu", "c", 5)), p.Part(1, 0, image("eu", "a", 2)), p.Part(3, 3, image("eu", "d", 6)),
	} {
		send(batch, results[i].Decommissioned)
		for n, item := range results[len(results)-1].Items {
			if item.Record.ID != results[i].Items[n].Record.ID {
				t.Errorf("part %d again: got %+v, want %+v", i, item, results[i].Items[n])
			}
		}
	}
}

func testW8_FinalPartWaitsForMissingParts(t *testing.T, open Opener) {
	s := open(t)
	omitted := record(t, s, image("eu", "gone", 1))
	p := newParts()
	final := func(want []int, decommissioned int, status deployments.Status) {
		t.Helper()
		result := requireRecord(t, s, "acme", p.Part(4, 4, image("eu", "d", 4)))
		if !slices.Equal(result.MissingParts, want) || result.Decommissioned != decommissioned {
			t.Errorf("got %+v, want missing parts %d", result, want)
		}
		requireStatuses(t, s, map[string]deployments.Status{omitted.ID: status, result.Items[0].Record.ID: deployments.Deployed})
	}
	empty := func(number int) {
		requireRecord(t, s, "acme", p.Part(number, 0))
	}
	final([]int{1, 2, 3}, 0, deployments.Deployed)
	empty(2)
	final([]int{1, 3}, 0, deployments.Deployed)
	empty(3)
	empty(1)
	final(nil, 1, deployments.Decommissioned)
}

func testW8_PartsThatContradictEachOtherAreRejected(t *testing.T, open Opener) {
	s := open(t)
	production := "production"
	p := newParts()
	p.Scope = deployments.SnapshotScope{Kinds: []deployments.Kind{deployments.ContainerImage}}
	requireRecord(t, s, "acme", p.Part(1, 0, image("eu", "a", 1)))
	requireRecord(t, s, "acme", p.Part(3, 0, image("eu", "c", 3)))
	change := func(change func(*deployments.Snapshot)) deployments.Batch {
		batch := p.Part(2, 0)
		change(batch.Snapshot)
		return batch
	}
	contradictions := map[string]deployments.Batch{
		"environment_name": change(func(s *deployments.Snapshot) { s.EnvironmentName = "us" }),
		"scope.kinds":      change(func(s *deployments.Snapshot) { s.Scope.Kinds = nil }),
		"scope.logical_environment_name": change(func(s *deployments.Snapshot) {
			s.Scope.LogicalEnvironmentName = &production
		}),
		"scope.deployment_name_prefix": change(func(s *deployments.Snapshot) { s.Scope.DeploymentNamePrefix = "a" }),
		"observed_at":                  change(func(s *deployments.Snapshot) { s.ObservedAt = s.ObservedAt.Add(time.Microsecond) }),
		"deployments":                  p.Part(1, 0, image("eu", "a", 2)),
		"parts":                        p.Part(2, 2, image("eu", "b", 2)),
	}
	requireRejected := func(field string, batch deployments.Batch) {
		t.Helper()
		batch.Partial = true
		var rejected *deployments.BatchError
		if _, err := s.Record(background, "acme", batch); !errors.As(err, &rejected) || len(rejected.Violations) != 1 || rejected.Violations[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for field, batch := range contradictions {
		requireRejected(field, batch)
	}
	if got := requireRecord(t, s, "acme", p.Part(3, 3, image("eu", "c", 3))); !slices.Equal(got.MissingParts, []int{2}) {
		t.Errorf("got %+v", got)
	}
	// While a part is missing, the final part holds.
	requireRejected("part", p.Part(4, 0))
	requireRejected("parts", p.Part(3, 4, image("eu", "c", 3)))
	requireRejected("parts", p.Part(4, 4))
	requireRecord(t, s, "acme", p.Part(2, 0, image("eu", "b", 2)))
	requireRecord(t, s, "acme", p.Part(3, 3, image("eu", "c", 3)))
	requireRejected("part", p.Part(4, 0))
	requireRejected("parts", p.Part(3, 4, image("eu", "c", 3)))
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All}); got.Total != 3 {
		t.Errorf("%d records", got.Total)
	}
}

func testW8_SnapshotIDsBelongToOneOrganization(t *testing.T, open Opener) {
	s := open(t)
	p := newParts()
	omitted := record(t, s, image("eu", "gone", 1))
	Load(t, s, "globex", Entry(1, 1, "eu", "gone"))
	requireRecord(t, s, "acme", p.Part(1, 0, image("eu", "a", 2)))
	other := p
	other.At = p.At.Add(time.Millisecond)
	if got := requireRecord(t, s, "globex", other.Part(2, 2)); !slices.Equal(got.MissingParts, []int{1}) {
		t.Errorf("got %+v: the part of another organization counts", got)
	}
	requireRecord(t, s, "globex", other.Part(1, 0, image("eu", "gone", 1)))
	if got := requireRecord(t, s, "acme", p.Part(2, 2)); got.Decommissioned != 1 {
		t.Errorf("got %+v", got)
	}
	if got := requireRecord(t, s, "globex", other.Part(2, 2)); got.Decommissioned != 0 || got.MissingParts != nil {
		t.Errorf("got %+v: the snapshot of another organization decommissions", got)
	}
	if got := Ask(t, s, Acme, deployments.Query{Status: deployments.Decommissioned}); got.Total != 1 || got.Records[0].ID != omitted.ID {
		t.Errorf("got %+v", got)
	}
}

func testW8_RejectedItemsOfPartsProtectWhatTheyMayBeAbout(t *testing.T, open Opener) {
	broken := image("eu", "api", 9)
	broken.Digest = "sha256:short"
	anyStage := in(" production", image("eu", "api", 9))
	anyKind := broken
	anyKind.Kind = deployments.AnyKind
	nothing := anyKind
	nothing.DeploymentName = ""
	for name, c := range map[string]struct {
		rejected deployments.Recording
		ended    []int // digests
	}{
		"the identity":            {broken, []int{2, 3, 4}},
		"any logical environment": {anyStage, []int{3, 4}},
		"any kind":                {anyKind, []int{2, 4}},
		"anything":                {nothing, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			want, byDigest := map[string]deployments.Status{}, map[int]string{}
			for i, r := range []deployments.Recording{
				image("eu", "api", 1), in("production", image("eu", "api", 2)), chart("eu", "api", 3), image("eu", "web", 4),
			} {
				id := record(t, s, r).ID
				want[id], byDigest[i+1] = deployments.Deployed, id
			}
			for _, digest := range c.ended {
				want[byDigest[digest]] = deployments.Decommissioned
			}
			p := newParts()
			first := p.Part(1, 0, c.rejected)
			first.Partial = true
			requireRecord(t, s, "acme", first)
			if got := requireRecord(t, s, "acme", p.Part(2, 2)); got.Decommissioned != len(c.ended) {
				t.Errorf("got %+v", got)
			}
			requireStatuses(t, s, want)
		})
	}
}

// Parts, repeated parts and final parts may be sent at the same time.
func testW8_ConcurrentPartsDecommissionOnce(t *testing.T, open Opener) {
	s := open(t)
	const parts, omitted = 5, 7
	for i := range omitted {
		record(t, s, image("eu", fmt.Sprint("gone", i), 1))
	}
	p := newParts()
	part := func(number, of int) deployments.Batch {
		return p.Part(number, of, image("eu", fmt.Sprint("x", number), number), image("eu", fmt.Sprint("y", number), number))
	}
	var all sync.WaitGroup
	for number := 1; number <= parts; number++ {
		for range 2 {
			all.Go(func() {
				batch := part(number, 0)
				if number == parts {
					batch = part(parts, parts)
				}
				got, err := s.Record(background, "acme", batch)
				if err != nil || got.Decommissioned > 0 && (number < parts || got.Decommissioned != omitted || got.MissingParts != nil) {
					t.Errorf("part %d: got %+v, %v", number, got, err)
				}
			})
		}
	}
	all.Wait()
	for range 3 {
		all.Go(func() {
			if got, err := s.Record(background, "acme", part(parts, parts)); err != nil || got.Decommissioned != omitted || got.MissingParts != nil {
				t.Errorf("the final part again: got %+v, %v", got, err)
			}
		})
	}
	all.Wait()
	for status, want := range map[deployments.Status]int64{deployments.Decommissioned: omitted, deployments.Deployed: 2 * parts, deployments.AnyStatus: omitted + 2*parts} {
		if got := Ask(t, s, Acme, deployments.Query{History: deployments.All, Status: status}); got.Total != want {
			t.Errorf("%d records of status %d, want %d", got.Total, status, want)
		}
	}
}
