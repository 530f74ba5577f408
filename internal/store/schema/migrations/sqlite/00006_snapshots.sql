-- +goose Up

-- As in PostgreSQL, whose migration explains the columns.
CREATE TABLE snapshots (
    organization_id  integer NOT NULL REFERENCES organizations,
    snapshot_id      text NOT NULL,
    environment_name text NOT NULL,
    scope            text NOT NULL,
    observed_at      integer NOT NULL,
    parts            integer,
    decommissioned   integer,
    created_at       integer NOT NULL,
    PRIMARY KEY (organization_id, snapshot_id)
) STRICT;
CREATE INDEX snapshots_by_time ON snapshots (created_at);

CREATE TABLE snapshot_parts (
    organization_id integer NOT NULL,
    snapshot_id     text NOT NULL,
    part            integer NOT NULL,
    items           blob NOT NULL,
    named           text NOT NULL,
    names_all       integer NOT NULL,
    PRIMARY KEY (organization_id, snapshot_id, part),
    FOREIGN KEY (organization_id, snapshot_id) REFERENCES snapshots ON DELETE CASCADE
) STRICT;
