-- +goose Up

-- The same tables as in PostgreSQL, in SQLite's types: ids are text in lower case, whose order is the order of UUIDs
-- by bytes; times are whole microseconds since 1970 in UTC.

CREATE TABLE organizations (
    id  integer PRIMARY KEY,
    key text NOT NULL UNIQUE
) STRICT;

CREATE TABLE environments (
    id              text NOT NULL PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations,
    name            text NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE logical_environments (
    id              text NOT NULL PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations,
    name            text NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

-- kind: 1 container image, 2 Helm chart. The four parts are not unique: an import may give two ids to them.
CREATE TABLE artifacts (
    id              text NOT NULL PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations,
    kind            integer NOT NULL CHECK (kind IN (1, 2)),
    name            text NOT NULL,
    version         text NOT NULL,
    digest          text NOT NULL
) STRICT;
CREATE INDEX artifacts_by_digest ON artifacts (organization_id, digest, kind);

CREATE TABLE projects (
    id              integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations,
    name            text NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE project_versions (
    id         integer PRIMARY KEY,
    project_id integer NOT NULL REFERENCES projects,
    name       text NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE project_version_artifacts (
    project_version_id integer NOT NULL REFERENCES project_versions,
    artifact_id        text NOT NULL REFERENCES artifacts,
    PRIMARY KEY (project_version_id, artifact_id)
) STRICT;

-- status: 1 deployed, 2 decommissioned, 3 superseded. kind is the artifact's: it is filtered by and part of the
-- identity, and never changes for an artifact.
CREATE TABLE deployment_records (
    id                     text NOT NULL PRIMARY KEY,
    organization_id        integer NOT NULL REFERENCES organizations,
    environment_id         text NOT NULL REFERENCES environments,
    logical_environment_id text REFERENCES logical_environments,
    deployment_name        text NOT NULL,
    artifact_id            text NOT NULL REFERENCES artifacts,
    kind                   integer NOT NULL CHECK (kind IN (1, 2)),
    status                 integer NOT NULL CHECK (status IN (1, 2, 3)),
    created_at             integer NOT NULL,
    updated_at             integer NOT NULL CHECK (updated_at >= created_at),
    last_seen_at           integer NOT NULL CHECK (last_seen_at >= created_at)
) STRICT;

-- Each of these gives a list in its order, from either end, for one filter.
CREATE INDEX deployment_records_by_time ON deployment_records (organization_id, created_at, id);
CREATE INDEX deployment_records_by_slot ON deployment_records (organization_id, environment_id, deployment_name, created_at, id);
CREATE INDEX deployment_records_by_environment ON deployment_records (organization_id, environment_id, created_at, id);
CREATE INDEX deployment_records_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id);
CREATE INDEX deployment_records_by_deployment_name ON deployment_records (organization_id, deployment_name, created_at, id);
CREATE INDEX deployment_records_by_status ON deployment_records (organization_id, status, created_at, id);
CREATE INDEX deployment_records_by_kind ON deployment_records (organization_id, kind, created_at, id);
CREATE INDEX deployment_records_by_artifact ON deployment_records (artifact_id, created_at, id);

-- One row a slot, with a copy of its latest record's columns that lists filter and order by: the default listing
-- never searches the history. Whoever writes a record keeps this table true in the same transaction.
CREATE TABLE current_slots (
    organization_id        integer NOT NULL REFERENCES organizations,
    environment_id         text NOT NULL REFERENCES environments,
    deployment_name        text NOT NULL,
    record_id              text NOT NULL REFERENCES deployment_records,
    logical_environment_id text,
    artifact_id            text NOT NULL,
    kind                   integer NOT NULL,
    status                 integer NOT NULL,
    created_at             integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, deployment_name)
) STRICT;
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id);
CREATE INDEX current_slots_by_deployment_name ON current_slots (organization_id, deployment_name, created_at, record_id);
CREATE INDEX current_slots_by_artifact ON current_slots (artifact_id, created_at, record_id);
