-- +goose Up

-- PostgreSQL has a table of slots besides, for recorders to lock. Here a transaction that writes is alone.

-- What is deployed, for recorders to find without reading the history.
CREATE INDEX deployment_records_deployed ON deployment_records (organization_id, environment_id, deployment_name) WHERE status = 1;

-- made: the id was made here, not given by an import. Recorders that make one artifact at once make it once.
ALTER TABLE artifacts ADD COLUMN made integer NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX artifacts_made ON artifacts (organization_id, kind, digest, name, version) WHERE made;

-- Which record a key of a client led to. key_digest is the SHA-256 of the token's subject and the key, request that of
-- what was requested. Rows are removed 24 hours after created_at.
CREATE TABLE idempotency_keys (
    organization_id integer NOT NULL REFERENCES organizations,
    key_digest      blob NOT NULL,
    request         blob NOT NULL,
    record_id       text REFERENCES deployment_records,
    created_at      integer NOT NULL,
    PRIMARY KEY (organization_id, key_digest)
) STRICT;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
