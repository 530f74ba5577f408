-- +goose Up

-- What a page of the matrix needs of the DEPLOYED records, by deployment name and without the table. PostgreSQL reads an index alone
-- only if it has the status too. The next migration drops the index that it replaces.
CREATE INDEX deployment_records_deployed_by_deployment_name ON deployment_records (organization_id, deployment_name, environment_id)
    INCLUDE (logical_environment_id, artifact_id, kind, status, created_at) WHERE status = 1;
