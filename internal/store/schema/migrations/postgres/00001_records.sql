-- +goose Up

-- Text is compared and indexed by its bytes (COLLATE "C"): filters are exact, nothing is ever ordered by a name, and
-- an upgrade of the operating system's locale data cannot spoil an index.

CREATE TABLE organizations (
    id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE environments (
    id              uuid PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name            text COLLATE "C" NOT NULL,
    UNIQUE (organization_id, name)
);

CREATE TABLE logical_environments (
    id              uuid PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name            text COLLATE "C" NOT NULL,
    UNIQUE (organization_id, name)
);

-- kind: 1 container image, 2 Helm chart. The four parts are not unique: an import may give two ids to them.
CREATE TABLE artifacts (
    id              uuid PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    kind            smallint NOT NULL CHECK (kind IN (1, 2)),
    name            text COLLATE "C" NOT NULL,
    version         text COLLATE "C" NOT NULL,
    digest          text COLLATE "C" NOT NULL
);
CREATE INDEX artifacts_by_digest ON artifacts (organization_id, digest, kind);

CREATE TABLE projects (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name            text COLLATE "C" NOT NULL,
    UNIQUE (organization_id, name)
);

CREATE TABLE project_versions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES projects,
    name       text COLLATE "C" NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE project_version_artifacts (
    project_version_id bigint NOT NULL REFERENCES project_versions,
    artifact_id        uuid NOT NULL REFERENCES artifacts,
    PRIMARY KEY (project_version_id, artifact_id)
);

-- status: 1 deployed, 2 decommissioned, 3 superseded. kind is the artifact's: it is filtered by and part of the
-- identity, and never changes for an artifact.
CREATE TABLE deployment_records (
    id                     uuid PRIMARY KEY,
    organization_id        bigint NOT NULL REFERENCES organizations,
    environment_id         uuid NOT NULL REFERENCES environments,
    logical_environment_id uuid REFERENCES logical_environments,
    deployment_name        text COLLATE "C" NOT NULL,
    artifact_id            uuid NOT NULL REFERENCES artifacts,
    kind                   smallint NOT NULL CHECK (kind IN (1, 2)),
    status                 smallint NOT NULL CHECK (status IN (1, 2, 3)),
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL CHECK (updated_at >= created_at),
    last_seen_at           timestamptz NOT NULL CHECK (last_seen_at >= created_at)
);

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
    organization_id        bigint NOT NULL REFERENCES organizations,
    environment_id         uuid NOT NULL REFERENCES environments,
    deployment_name        text COLLATE "C" NOT NULL,
    record_id              uuid NOT NULL REFERENCES deployment_records,
    logical_environment_id uuid,
    artifact_id            uuid NOT NULL,
    kind                   smallint NOT NULL,
    status                 smallint NOT NULL,
    created_at             timestamptz NOT NULL,
    PRIMARY KEY (organization_id, environment_id, deployment_name)
);
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id);
CREATE INDEX current_slots_by_deployment_name ON current_slots (organization_id, deployment_name, created_at, record_id);
CREATE INDEX current_slots_by_artifact ON current_slots (artifact_id, created_at, record_id);
