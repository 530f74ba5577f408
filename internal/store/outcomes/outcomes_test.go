package outcomes_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func batch(recordings ...deployments.Recording) deployments.Batch {
	b := deployments.Batch{AutoCreate: true}
	for _, r := range recordings {
		b.Items = append(b.Items, deployments.BatchItem{Recording: r})
	}
	return b
}

func image(environment, deployment string, digest int) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment, Kind: deployments.ContainerImage, Digest: storetest.Digest(digest), Status: deployments.Deployed,
	}
}

func TestEveryItemHasOneOutcome(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{Quotas: store.Quotas{Environments: 1, IdempotencyKeys: 1}})
		wrong := image("eu", "api", 1)
		wrong.Digest = "none"
		partial := batch(image("eu", "web", 1), wrong, image("us", "api", 1))
		partial.Partial = true
		late := batch(image("eu", "api", 9))
		late.ObservedAt = time.Now().Add(-time.Hour)
		snapshot := batch(image("eu", "api", 2))
		snapshot.Snapshot = &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(30 * time.Second)}
		ended, end := context.WithCancel(t.Context())
		end()
		expired, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		record := func(ctx context.Context, b deployments.Batch) func() error {
			return func() error {
				_, err := s.Record(ctx, "acme", b)
				return err
			}
		}
		idempotent := func(key string, request byte) func() error {
			return func() error {
				_, err := s.RecordIdempotent(t.Context(), "acme", deployments.IdempotencyKey{Key: key, Request: [32]byte{request}}, batch(image("eu", "job", 1)))
				return err
			}
		}
		want := maps.Clone(s.Stats().Recordings.Items)
		wantQuotas := maps.Clone(s.Stats().Recordings.QuotaRejections)
		for _, step := range []struct {
			name   string
			do     func() error
			fails  bool
			items  map[outcomes.Outcome]int64
			quotas []string
		}{
			{"new", record(t.Context(), batch(image("eu", "api", 1), image("eu", "db", 1))), false, map[outcomes.Outcome]int64{"added": 2}, nil},
			{"again", record(t.Context(), batch(image("eu", "api", 1), image("eu", "api", 1))), false, map[outcomes.Outcome]int64{"repeated": 2}, nil},
			{"late", record(t.Context(), late), false, map[outcomes.Outcome]int64{"late": 1}, nil},
			{"not valid", record(t.Context(), batch(image("eu", "api", 1), wrong)), true, map[outcomes.Outcome]int64{"rejected": 2}, nil},
			{"a quota", record(t.Context(), batch(image("us", "api", 1))), true, map[outcomes.Outcome]int64{"rejected": 1}, []string{"environments"}},
			{"partial", record(t.Context(), partial), false, map[outcomes.Outcome]int64{"added": 1, "rejected": 2}, []string{"environments"}},
			{"a snapshot", record(t.Context(), snapshot), false, map[outcomes.Outcome]int64{"added": 1, "omitted": 2}, nil},
			{"a key", idempotent("k", 1), false, map[outcomes.Outcome]int64{"added": 1}, nil},
			{"the key again", idempotent("k", 1), false, map[outcomes.Outcome]int64{"repeated": 1}, nil},
			{"the key for another request", idempotent("k", 2), true, map[outcomes.Outcome]int64{"rejected": 1}, nil},
			{"too many keys", idempotent("l", 1), true, map[outcomes.Outcome]int64{"rejected": 1}, []string{"idempotency_keys"}},
			{"too late for its deadline", record(expired, batch(image("eu", "api", 1))), true, map[outcomes.Outcome]int64{"failed": 1}, nil},
			{"hung up", record(ended, batch(image("eu", "api", 1))), true, nil, nil},
		} {
			if err := step.do(); (err != nil) != step.fails {
				t.Errorf("%s: %v", step.name, err)
			}
			for outcome, n := range step.items {
				want[outcome] += n
			}
			for _, quota := range step.quotas {
				wantQuotas[quota]++
			}
			got := s.Stats().Recordings
			if !maps.Equal(got.Items, want) || !maps.Equal(got.QuotaRejections, wantQuotas) {
				t.Fatalf("%s:\ngot  %v %v\nwant %v %v", step.name, got.Items, got.QuotaRejections, want, wantQuotas)
			}
		}
	})
}

func TestItemsThatOthersKeepOutAreBusy(t *testing.T) {
	c := outcomes.NewCounter()
	for n, err := range []error{&deployments.OverloadError{}, fmt.Errorf("%w: slot", deployments.ErrConflict), deployments.ErrUnavailable} {
		c.Count(10*n+1, outcomes.NewBatch(), err)
	}
	if items := c.Stats().Items; items[outcomes.Busy] != 12 || items[outcomes.Failed] != 21 {
		t.Errorf("got %v", items)
	}
}
