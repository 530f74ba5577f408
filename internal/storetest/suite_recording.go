package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func image(environment, deployment string, digest int) deployments.Recording {
	return deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment, Kind: deployments.ContainerImage, Digest: Digest(digest), Status: deployments.Deployed,
	}
}

func decommission(r deployments.Recording) deployments.Recording {
	r.Status = deployments.Decommissioned
	return r
}

func batchOf(recordings ...deployments.Recording) deployments.Batch {
	batch := deployments.Batch{AutoCreate: true}
	for _, r := range recordings {
		batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
	}
	return batch
}

// record records in the organization acme and fails the test if that fails.
func record(t testing.TB, s deployments.Store, r deployments.Recording) deployments.Record {
	t.Helper()
	result, err := s.Record(background, "acme", batchOf(r))
	if err != nil {
		t.Fatalf("record %+v: %v", r, err)
	}
	return result.Items[0].Record
}

func requireStatuses(t testing.TB, s deployments.Store, want map[string]deployments.Status) {
	t.Helper()
	got := Ask(t, s, Acme, deployments.Query{History: deployments.All})
	if len(got.Records) != len(want) {
		t.Fatalf("%d records, want %d", len(got.Records), len(want))
	}
	for _, r := range got.Records {
		if r.Status != want[r.ID] {
			t.Errorf("%+v: want status %d", r, want[r.ID])
		}
	}
}

func testW1_SupersedingGoesByIdentity(t *testing.T, open Opener) {
	s := open(t)
	chart := image("eu", "api", 2)
	chart.Kind = deployments.HelmChart
	production := image("eu", "api", 3)
	production.LogicalEnvironmentName = "production"
	want := map[string]deployments.Status{}
	for _, r := range []deployments.Recording{image("eu", "api", 1), chart, production, image("us", "api", 4), image("eu", "web", 5)} {
		want[record(t, s, r).ID] = deployments.Deployed
	}
	requireStatuses(t, s, want)
}

func testW2_AnotherArtifactSupersedes(t *testing.T, open Opener) {
	s := open(t)
	first, second := record(t, s, image("eu", "api", 1)), record(t, s, image("eu", "api", 2))
	back := record(t, s, image("eu", "api", 1))
	if back.ID == first.ID {
		t.Error("returning to an earlier artifact changed its record")
	}
	requireStatuses(t, s, map[string]deployments.Status{
		first.ID: deployments.Superseded, second.ID: deployments.Superseded, back.ID: deployments.Deployed,
	})
}

func testW3_RepeatedRecordingAddsNothing(t *testing.T, open Opener) {
	s := open(t)
	first, second := record(t, s, image("eu", "api", 1)), record(t, s, image("eu", "api", 1))
	if second.ID != first.ID || !second.CreatedAt.Equal(first.CreatedAt) || second.LastSeenAt.Before(first.LastSeenAt) || second.UpdatedAt.Before(first.UpdatedAt) {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	requireStatuses(t, s, map[string]deployments.Status{first.ID: deployments.Deployed})
}

func testW4_Decommissioning(t *testing.T, open Opener) {
	s := open(t)
	first := record(t, s, image("eu", "api", 1))
	if other := record(t, s, decommission(image("eu", "api", 2))); other.ID != first.ID || other.Status != deployments.Deployed {
		t.Errorf("another artifact: got %+v", other)
	}
	anything := decommission(image("eu", "api", 1))
	anything.Digest = ""
	if ended := record(t, s, anything); ended.ID != first.ID || ended.Status != deployments.Decommissioned {
		t.Errorf("without a digest: got %+v", ended)
	}
	if again := record(t, s, anything); again.ID != first.ID {
		t.Errorf("nothing is deployed: got %+v", again)
	}
	unknown := decommission(image("us", "api", 1))
	added := record(t, s, unknown)
	requireStatuses(t, s, map[string]deployments.Status{first.ID: deployments.Decommissioned, added.ID: deployments.Decommissioned})
	unknown.DeploymentName, unknown.Digest = "web", ""
	var rejected *deployments.BatchError
	if _, err := s.Record(background, "acme", batchOf(unknown)); !errors.As(err, &rejected) {
		t.Errorf("no record and no digest: got %v", err)
	}
}

func testW5_ConcurrentRecordersLeaveOneDeployedRecord(t *testing.T, open Opener) {
	s := open(t)
	const recorders, each = 6, 5
	var all sync.WaitGroup
	for i := range recorders {
		all.Go(func() {
			for n := range each {
				if _, err := s.Record(background, "acme", batchOf(image("eu", "api", 100*i+n))); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
	}
	all.Wait()
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All}); got.Total != recorders*each {
		t.Errorf("%d records, want %d", got.Total, recorders*each)
	}
	if got := Ask(t, s, Acme, deployments.Query{History: deployments.All, Status: deployments.Deployed}); got.Total != 1 {
		t.Errorf("%d records are DEPLOYED", got.Total)
	}
}

func testW6_NewRecordsAreLaterThanTheirSlot(t *testing.T, open Opener) {
	s := open(t)
	ahead := time.Now().UTC().Truncate(time.Microsecond).Add(time.Hour)
	e := Entry(1, 0, "eu", "api")
	e.Record.CreatedAt, e.Record.UpdatedAt, e.Record.LastSeenAt = ahead, ahead, ahead
	Load(t, s, "acme", e)
	if got := record(t, s, image("eu", "api", 2)); !got.CreatedAt.Equal(ahead.Add(time.Microsecond)) {
		t.Errorf("created at %v, the record before at %v", got.CreatedAt, ahead)
	}
}

func testBatchesAreAtomicUnlessPartial(t *testing.T, open Opener) {
	s := open(t)
	bad := image("eu", "api", 2)
	bad.Digest = "sha256:short"
	batch := batchOf(image("eu", "web", 1), bad)
	var rejected *deployments.BatchError
	if _, err := s.Record(background, "acme", batch); !errors.As(err, &rejected) || len(rejected.Violations) == 0 {
		t.Errorf("got %v", err)
	}
	WantIDs(t, s, Acme, deployments.Query{})
	batch = batchOf(image("eu", "web", 1), bad)
	batch.Partial = true
	result, err := s.Record(background, "acme", batch)
	if err != nil || len(result.Items) != 2 || result.Items[0].Record.ID == "" || len(result.Items[1].Violations) == 0 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func testSnapshotDecommissionsOmittedIdentities(t *testing.T, open Opener) {
	s := open(t)
	named, omitted, elsewhere := record(t, s, image("eu", "api", 1)), record(t, s, image("eu", "web", 2)), record(t, s, image("us", "web", 2))
	batch := batchOf(image("eu", "api", 1))
	batch.Snapshot = &deployments.Snapshot{EnvironmentName: "eu", ObservedAt: time.Now().Add(time.Second)}
	result, err := s.Record(background, "acme", batch)
	if err != nil || result.Decommissioned != 1 {
		t.Fatalf("got %+v, %v", result, err)
	}
	requireStatuses(t, s, map[string]deployments.Status{
		named.ID: deployments.Deployed, omitted.ID: deployments.Decommissioned, elsewhere.ID: deployments.Deployed,
	})
}

func testUnknownNamesAreRejectedWithoutAutoCreate(t *testing.T, open Opener) {
	s := open(t)
	record(t, s, image("eu", "api", 1))
	r := image("us", "api", 1)
	r.LogicalEnvironmentName = "production"
	r.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}}
	batch := batchOf(r)
	batch.AutoCreate = false
	var rejected *deployments.BatchError
	if _, err := s.Record(background, "acme", batch); !errors.As(err, &rejected) {
		t.Fatalf("got %v", err)
	}
	var fields []string
	for _, violation := range rejected.Violations {
		fields = append(fields, violation.Field)
	}
	want := []string{
		deployments.ItemField(0, "environment_name"), deployments.ItemField(0, "logical_environment_name"),
		deployments.ItemField(0, "project_versions.project_name"),
	}
	if !slices.Equal(fields, want) {
		t.Errorf("got violations of %q, want %q", fields, want)
	}
}

func recordIdempotent(s deployments.Store, organization, subject, key string, r deployments.Recording) (deployments.Record, error) {
	return s.RecordIdempotent(background, organization,
		deployments.IdempotencyKey{Subject: subject, Key: key, Request: sha256.Sum256(fmt.Append(nil, r))}, batchOf(r))
}

func testIdempotencyKeyNamesTheSameRecord(t *testing.T, open Opener) {
	s := open(t)
	first, err := recordIdempotent(s, "acme", "ci", "k", image("eu", "api", 1))
	if err != nil {
		t.Fatal(err)
	}
	record(t, s, image("eu", "api", 2))
	again, err := recordIdempotent(s, "acme", "ci", "k", image("eu", "api", 1))
	if err != nil || again.ID != first.ID || again.Status != deployments.Superseded {
		t.Errorf("the same request: got %+v, %v", again, err)
	}
	if _, err := recordIdempotent(s, "acme", "ci", "k", image("eu", "api", 3)); !errors.Is(err, deployments.ErrKeyReused) {
		t.Errorf("another request: got %v", err)
	}
	for _, other := range []struct{ organization, subject string }{{"acme", "cd"}, {"globex", "ci"}} {
		if got, err := recordIdempotent(s, other.organization, other.subject, "k", image("us", "api", 3)); err != nil || got.ID == first.ID {
			t.Errorf("%+v: got %+v, %v", other, got, err)
		}
	}
}

func testRejectedRecordingLeavesItsKeyUnused(t *testing.T, open Opener) {
	s := open(t)
	unknown := decommission(image("eu", "api", 1))
	unknown.Digest = ""
	var rejected *deployments.BatchError
	if _, err := recordIdempotent(s, "acme", "ci", "k", unknown); !errors.As(err, &rejected) {
		t.Fatalf("got %v", err)
	}
	if _, err := recordIdempotent(s, "acme", "ci", "k", image("eu", "api", 1)); err != nil {
		t.Errorf("the key is used: %v", err)
	}
}
