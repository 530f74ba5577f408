-- +goose Up

-- As in PostgreSQL, whose migration says what these are.

CREATE TABLE list_changes (
    id                     integer PRIMARY KEY,
    organization_id        integer NOT NULL,
    latest                 integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    created_at             integer NOT NULL,
    record_id              text NOT NULL,
    n                      integer NOT NULL
) STRICT;
CREATE INDEX list_changes_by_organization ON list_changes (organization_id, id);

CREATE TABLE list_totals (
    organization_id        integer NOT NULL,
    latest                 integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_milestones (
    organization_id        integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    created_at             integer NOT NULL,
    record_id              text NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER note_record_inserts AFTER INSERT ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_updates AFTER UPDATE ON deployment_records
WHEN (old.organization_id, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.created_at)
  IS NOT (new.organization_id, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.created_at) BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.created_at, old.id, -1),
           (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_deletes AFTER DELETE ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.created_at, old.id, -1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_inserts AFTER INSERT ON current_slots BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (new.organization_id, true, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.created_at, new.record_id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_updates AFTER UPDATE ON current_slots
WHEN (old.logical_environment_id, old.status, old.kind) IS NOT (new.logical_environment_id, new.status, new.kind) BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (old.organization_id, true, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.created_at, old.record_id, -1),
           (new.organization_id, true, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.created_at, new.record_id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_deletes AFTER DELETE ON current_slots BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    VALUES (old.organization_id, true, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.created_at, old.record_id, -1);
END;
-- +goose StatementEnd

-- Columns that other filters ask for stand in the indexes too.
DROP INDEX deployment_records_by_environment;
DROP INDEX deployment_records_by_logical_environment;
DROP INDEX deployment_records_by_status;
DROP INDEX deployment_records_by_kind;
DROP INDEX current_slots_by_time;
DROP INDEX current_slots_by_environment;
DROP INDEX current_slots_by_logical_environment;
CREATE INDEX deployment_records_by_environment ON deployment_records (organization_id, environment_id, created_at, id, logical_environment_id, status, kind);
CREATE INDEX deployment_records_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id, status, kind);
CREATE INDEX deployment_records_by_status ON deployment_records (organization_id, status, created_at, id, kind);
CREATE INDEX deployment_records_by_kind ON deployment_records (organization_id, kind, created_at, id, status);
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id, status, kind);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id, logical_environment_id, status, kind);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id, status, kind);

-- What is stored already is one large change, to be folded as any other.
INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, created_at, id, 1 FROM deployment_records
UNION ALL
SELECT organization_id, true, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, 1 FROM current_slots;
