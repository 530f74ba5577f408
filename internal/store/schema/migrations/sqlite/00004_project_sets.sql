-- +goose Up

-- As in PostgreSQL, whose migration says what these are.

CREATE TABLE project_sets (
    id              integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations,
    members         text NOT NULL, -- the ids of its projects in order, as 3,17
    UNIQUE (organization_id, members)
) STRICT;

CREATE TABLE project_set_members (
    project_id     integer NOT NULL REFERENCES projects,
    project_set_id integer NOT NULL REFERENCES project_sets,
    PRIMARY KEY (project_id, project_set_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX project_version_artifacts_by_artifact ON project_version_artifacts (artifact_id);

DROP TRIGGER note_record_inserts;
DROP TRIGGER note_record_updates;
DROP TRIGGER note_record_deletes;
DROP TRIGGER note_slot_inserts;
DROP TRIGGER note_slot_updates;
DROP TRIGGER note_slot_deletes;

ALTER TABLE artifacts ADD COLUMN project_set_id integer NOT NULL DEFAULT 0;
ALTER TABLE deployment_records ADD COLUMN project_set_id integer NOT NULL DEFAULT 0;
ALTER TABLE current_slots ADD COLUMN project_set_id integer NOT NULL DEFAULT 0;
ALTER TABLE list_changes ADD COLUMN project_set_id integer NOT NULL DEFAULT 0;
ALTER TABLE list_totals RENAME TO list_totals_before;
CREATE TABLE list_totals (
    organization_id        integer NOT NULL,
    latest                 integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    project_set_id         integer NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id)
) STRICT, WITHOUT ROWID;
INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, 0, n FROM list_totals_before;
DROP TABLE list_totals_before;

-- What is stored already.
CREATE TEMP TABLE projects_of AS
SELECT artifact_id, string_agg(CAST(project_id AS text), ',' ORDER BY project_id) AS members
FROM (SELECT DISTINCT l.artifact_id, v.project_id FROM project_version_artifacts l JOIN project_versions v ON v.id = l.project_version_id) AS p
GROUP BY artifact_id;
INSERT INTO project_sets (organization_id, members)
SELECT DISTINCT a.organization_id, p.members FROM projects_of p JOIN artifacts a ON a.id = p.artifact_id;
INSERT INTO project_set_members (project_id, project_set_id)
SELECT CAST(m.value AS integer), s.id FROM project_sets s, json_each('[' || s.members || ']') m;
UPDATE artifacts SET project_set_id = s.id
FROM projects_of p JOIN project_sets s ON s.members = p.members
WHERE artifacts.id = p.artifact_id AND s.organization_id = artifacts.organization_id;
DROP TABLE projects_of;
DROP INDEX deployment_records_by_environment;
DROP INDEX deployment_records_by_logical_environment;
DROP INDEX deployment_records_by_deployment_name;
DROP INDEX deployment_records_by_status;
DROP INDEX deployment_records_by_kind;
DROP INDEX current_slots_by_time;
DROP INDEX current_slots_by_environment;
DROP INDEX current_slots_by_logical_environment;
DROP INDEX current_slots_by_deployment_name;
UPDATE deployment_records SET project_set_id = (SELECT a.project_set_id FROM artifacts a WHERE a.id = artifact_id);
UPDATE current_slots SET project_set_id = (SELECT a.project_set_id FROM artifacts a WHERE a.id = artifact_id);
INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, latest, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', '', 0, 0, project_set_id, count(*)
FROM (SELECT organization_id, false AS latest, project_set_id FROM deployment_records
      UNION ALL SELECT organization_id, true, project_set_id FROM current_slots) AS r
WHERE project_set_id > 0 GROUP BY organization_id, latest, project_set_id;

CREATE INDEX deployment_records_by_project_set ON deployment_records (organization_id, project_set_id, created_at, id, status, kind) WHERE project_set_id > 0;
CREATE INDEX current_slots_by_project_set ON current_slots (organization_id, project_set_id, created_at, record_id, status, kind) WHERE project_set_id > 0;
-- Lists that are narrowed by a project besides are narrowed in the index, as by other filters.
CREATE INDEX deployment_records_by_environment ON deployment_records (organization_id, environment_id, created_at, id, logical_environment_id, status, kind, project_set_id);
CREATE INDEX deployment_records_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id, status, kind, project_set_id);
CREATE INDEX deployment_records_by_deployment_name ON deployment_records (organization_id, deployment_name, created_at, id, project_set_id);
CREATE INDEX deployment_records_by_status ON deployment_records (organization_id, status, created_at, id, kind, project_set_id);
CREATE INDEX deployment_records_by_kind ON deployment_records (organization_id, kind, created_at, id, status, project_set_id);
CREATE INDEX deployment_records_decommissioned_by_environment ON deployment_records (organization_id, environment_id, created_at, id, logical_environment_id, kind, project_set_id) WHERE status = 2;
CREATE INDEX deployment_records_decommissioned_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id, kind, project_set_id) WHERE status = 2;
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id, status, kind, project_set_id);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id, logical_environment_id, status, kind, project_set_id);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id, status, kind, project_set_id);
CREATE INDEX current_slots_by_deployment_name ON current_slots (organization_id, deployment_name, created_at, record_id, project_set_id);

-- +goose StatementBegin
CREATE TRIGGER note_record_inserts AFTER INSERT ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_updates AFTER UPDATE ON deployment_records
WHEN (old.organization_id, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.created_at)
  IS NOT (new.organization_id, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.created_at) BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.created_at, old.id, -1),
           (new.organization_id, false, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.created_at, new.id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_record_deletes AFTER DELETE ON deployment_records BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (old.organization_id, false, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.created_at, old.id, -1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_inserts AFTER INSERT ON current_slots BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (new.organization_id, true, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.created_at, new.record_id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_updates AFTER UPDATE ON current_slots
WHEN (old.logical_environment_id, old.status, old.kind, old.project_set_id) IS NOT (new.logical_environment_id, new.status, new.kind, new.project_set_id) BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (old.organization_id, true, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.created_at, old.record_id, -1),
           (new.organization_id, true, new.environment_id, new.logical_environment_id, new.deployment_name, new.status, new.kind, new.project_set_id, new.created_at, new.record_id, 1);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER note_slot_deletes AFTER DELETE ON current_slots BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    VALUES (old.organization_id, true, old.environment_id, old.logical_environment_id, old.deployment_name, old.status, old.kind, old.project_set_id, old.created_at, old.record_id, -1);
END;
-- +goose StatementEnd
