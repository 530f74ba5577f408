-- +goose Up

-- The records of an identity that are not DEPLOYED, newest first, for recorders. Those that are have an index.
CREATE INDEX deployment_records_by_identity ON deployment_records (organization_id, environment_id, deployment_name, kind, logical_environment_id, created_at, id) WHERE status <> 1;
