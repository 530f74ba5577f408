package bench

import (
	"context"
	"os"
	"path/filepath"
)

// handwrittenSchema copies the records of a database to tables as one would write them by hand, with four indexes of the records.
// Slots are only for the load, which draws from a thousand.
var handwrittenSchema = []string{
	`CREATE SCHEMA handwritten`,
	`CREATE TABLE handwritten.artifacts AS SELECT id, organization_id, kind, name, version, digest FROM artifacts`,
	`ALTER TABLE handwritten.artifacts ADD PRIMARY KEY (id)`,
	`CREATE INDEX ON handwritten.artifacts (organization_id, digest)`,
	`CREATE TABLE handwritten.records AS SELECT id, organization_id, environment_id, logical_environment_id, deployment_name,
 artifact_id, status, created_at, updated_at, last_seen_at FROM deployment_records`,
	`ALTER TABLE handwritten.records ADD PRIMARY KEY (id)`,
	`CREATE INDEX ON handwritten.records (organization_id, created_at, id)`,
	`CREATE INDEX ON handwritten.records (organization_id, environment_id, deployment_name, created_at)`,
	`CREATE INDEX ON handwritten.records (artifact_id)`,
	`CREATE TABLE handwritten.slots AS SELECT row_number() OVER () AS n, drawn.*
 FROM (SELECT organization_id, environment_id, logical_environment_id, deployment_name FROM current_slots ORDER BY md5(record_id::text) LIMIT 1000) AS drawn`,
	`ALTER TABLE handwritten.slots ADD PRIMARY KEY (n)`,
	`VACUUM ANALYZE handwritten.artifacts, handwritten.records, handwritten.slots`,
	`CHECKPOINT`,
}

// handwrittenRecording deploys a new artifact in a random slot. It supersedes what was DEPLOYED there.
const handwrittenRecording = `\set n random(1, 1000)
\set version random(1, 1000000000000)
BEGIN;
INSERT INTO handwritten.artifacts (id, organization_id, kind, name, version, digest)
 SELECT CAST(md5(CAST(:version AS text)) AS uuid), organization_id, 1, deployment_name, CAST(:version AS text), 'sha256:' || md5(CAST(:version AS text))
 FROM handwritten.slots WHERE n = :n;
UPDATE handwritten.records r SET status = 3, updated_at = now() FROM handwritten.slots s
 WHERE s.n = :n AND r.organization_id = s.organization_id AND r.environment_id = s.environment_id AND r.deployment_name = s.deployment_name AND r.status = 1;
INSERT INTO handwritten.records
 (id, created_at, organization_id, updated_at, environment_id, last_seen_at, logical_environment_id, deployment_name, artifact_id, status)
 SELECT gen_random_uuid(), now(), organization_id, now(), environment_id, now(), logical_environment_id, deployment_name, CAST(md5(CAST(:version AS text)) AS uuid), 1
 FROM handwritten.slots WHERE n = :n;
COMMIT;
`

// handwrittenRecordings creates the hand-written schema in a database, and measures how many recordings per second pgbench writes there.
func (t *testbed) handwrittenRecordings(ctx context.Context, database string) (measurement, error) {
	if err := t.exec(ctx, database, handwrittenSchema...); err != nil {
		return nil, err
	}
	script := filepath.Join(t.dir, "recording.sql")
	if err := os.WriteFile(script, []byte(handwrittenRecording), 0o600); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (float64, error) { return t.pgbench(ctx, script, writers, t.url(database)) }, nil
}
