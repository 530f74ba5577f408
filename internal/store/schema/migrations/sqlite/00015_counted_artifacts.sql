-- +goose Up

-- As in PostgreSQL, whose migration says why.
CREATE TABLE counted_artifacts (
    organization_id integer NOT NULL,
    artifact_id     text NOT NULL,
    n               integer NOT NULL,
    PRIMARY KEY (organization_id, artifact_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE list_positions (
    organization_id        integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    project_id             integer NOT NULL, -- 0 is any
    artifact_id            text NOT NULL,
    coarse                 integer NOT NULL,
    created_at             integer NOT NULL,
    record_id              text NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, artifact_id, coarse,
        created_at, record_id)
) STRICT, WITHOUT ROWID;
INSERT INTO list_positions SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id,
    '271cd479-99fe-42ea-b632-a11581c16cca', coarse, created_at, record_id, n FROM milestones;
DROP TABLE milestones;

ALTER TABLE list_changes ADD COLUMN artifact_id text;
DROP TRIGGER note_record_inserts;
DROP TRIGGER note_record_updates;
DROP TRIGGER note_record_deletes;

-- +goose StatementBegin
CREATE TRIGGER note_record_inserts AFTER INSERT ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    VALUES (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.artifact_id, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_updates AFTER UPDATE ON deployment_records
WHEN (old.organization_id, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.artifact_id, old.created_at)
  IS NOT (new.organization_id, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.artifact_id, new.created_at) BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.artifact_id, old.created_at, old.id, -1),
           (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.artifact_id, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_deletes AFTER DELETE ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.artifact_id, old.created_at, old.id, -1);
END;
-- +goose StatementEnd
