package recording_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// An import may change the artifact of a record (I3) for whose lock a recording waits. PostgreSQL then continues with the new record
// and the names of its former artifact.
func TestARecordingSeesTheArtifactThatARecordHasWhenItIsLocked(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := storetest.Open(t, url)
	record := func(slot string, digest int) error {
		_, err := s.Record(t.Context(), "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: recordingAt(slot, digest)}}, AutoCreate: true})
		return err
	}
	for slot, digest := range map[string]int{"api": 1, "other": 2} {
		if err := record(slot, digest); err != nil {
			t.Fatal(err)
		}
	}
	db := storetest.OpenSQL(t, url)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, table := range []string{"deployment_records", "current_slots"} {
		change := fmt.Sprintf("UPDATE %s SET artifact_id = (SELECT id FROM artifacts WHERE digest = $1) WHERE deployment_name = 'api'", table)
		if _, err := tx.Exec(change, storetest.Digest(2)); err != nil {
			t.Fatal(err)
		}
	}
	recorded := make(chan error, 1)
	go func() { recorded <- record("api", 1) }()
	for waiting, deadline := false, time.Now().Add(20*time.Second); !waiting; time.Sleep(10 * time.Millisecond) {
		waiting = pgtest.QueryBool(t, url, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
		if time.Now().After(deadline) {
			t.Fatal("the recording does not wait for the lock")
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-recorded; err != nil {
		t.Fatal(err)
	}
	got := storetest.Ask(t, s, storetest.Acme, deployments.Query{DeploymentName: "api"})
	if len(got.Records) != 1 || got.Records[0].Artifact.Digest != storetest.Digest(1) {
		t.Errorf("the slot has %+v", got.Records)
	}
}
