package database_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A pool of connections to a former primary, behind an address that has moved to the new one: each of them fails at the first
// write, and a new connection works.
func TestARecordingLeavesTheConnectionsToAStandby(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQL(t)
	s := storetest.Open(t, url)
	batch := func(n int) deployments.Batch {
		return deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
			EnvironmentName: "eu", DeploymentName: "api", Kind: deployments.ContainerImage, Digest: storetest.Digest(n), Status: deployments.Deployed,
		}}}}
	}
	if _, err := s.Record(t.Context(), "acme", batch(1)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `CREATE TABLE former AS SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'deployrecords';
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  IF pg_backend_pid() IN (SELECT pid FROM former) THEN RAISE EXCEPTION USING ERRCODE = '25006'; END IF;
  RETURN NULL;
END$$;
CREATE TRIGGER fail AFTER INSERT ON deployment_records FOR EACH STATEMENT EXECUTE FUNCTION fail()`)
	if _, err := s.Record(t.Context(), "acme", batch(2)); err != nil {
		t.Error(err)
	}
	if !pgtest.QueryBool(t, url, "SELECT EXISTS (SELECT FROM former WHERE pid NOT IN (SELECT pid FROM pg_stat_activity))") {
		t.Error("no connection to the standby was closed")
	}
	storetest.RequireVerified(t, s, "acme")
}
