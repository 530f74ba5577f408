-- +goose Up

-- Snapshots that come in parts (W8). A batch locks the row of its snapshot: the final part alone, other parts shared. Rows
-- are removed 24 hours after created_at. parts and decommissioned, the result of the final part, are null until every part
-- has arrived.
CREATE TABLE snapshots (
    organization_id  bigint NOT NULL REFERENCES organizations,
    snapshot_id      text COLLATE "C" NOT NULL,
    environment_name text COLLATE "C" NOT NULL,
    scope            text COLLATE "C" NOT NULL, -- as JSON
    observed_at      timestamptz NOT NULL,
    parts            integer,
    decommissioned   integer,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, snapshot_id)
);
CREATE INDEX snapshots_by_time ON snapshots (created_at);

-- The parts that have arrived. items is the SHA-256 of the part's items. named has the identities that they name, one row
-- for all of them, until the snapshot is complete: [deployment name, kind, logical environment], the last null if it may be
-- any. names_all: an item may be about any identity.
CREATE TABLE snapshot_parts (
    organization_id bigint NOT NULL,
    snapshot_id     text COLLATE "C" NOT NULL,
    part            integer NOT NULL,
    items           bytea NOT NULL,
    named           jsonb NOT NULL,
    names_all       boolean NOT NULL,
    PRIMARY KEY (organization_id, snapshot_id, part),
    FOREIGN KEY (organization_id, snapshot_id) REFERENCES snapshots ON DELETE CASCADE
);
