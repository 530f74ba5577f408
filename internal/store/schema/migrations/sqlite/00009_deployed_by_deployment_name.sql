-- +goose Up

-- What a page of the matrix needs of the DEPLOYED records, by deployment name and without the table. Recorders search a slot by it, in
-- place of the index that it replaces, and an environment by deployment_records_deployed_by_environment.
CREATE INDEX deployment_records_deployed_by_deployment_name ON deployment_records
    (organization_id, deployment_name, environment_id, logical_environment_id, artifact_id, kind, status, created_at) WHERE status = 1;
