-- +goose Up

-- What a recorder holds while it decides what becomes of a slot. Rows of current_slots would not do: a slot has none
-- before its first record, and two recorders may come to that at once.
CREATE TABLE slots (
    organization_id bigint NOT NULL REFERENCES organizations,
    environment_id  uuid NOT NULL REFERENCES environments,
    deployment_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, environment_id, deployment_name)
);

-- What is deployed, for recorders to find without reading the history.
CREATE INDEX deployment_records_deployed ON deployment_records (organization_id, environment_id, deployment_name) WHERE status = 1;

-- made: the id was made here, not given by an import. Recorders that make one artifact at once make it once.
ALTER TABLE artifacts ADD COLUMN made boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX artifacts_made ON artifacts (organization_id, kind, digest, name, version) WHERE made;

-- Which record a key of a client led to. key_digest is the SHA-256 of the token's subject and the key, request that of
-- what was requested. Rows are removed 24 hours after created_at.
CREATE TABLE idempotency_keys (
    organization_id bigint NOT NULL REFERENCES organizations,
    key_digest      bytea NOT NULL,
    request         bytea NOT NULL,
    record_id       uuid REFERENCES deployment_records,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, key_digest)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
