-- +goose Up

-- All that is altered below, at once: writers that came first are waited for, and none is met half-way.
LOCK TABLE deployment_records, current_slots IN ACCESS EXCLUSIVE MODE;

-- The projects of an artifact, as one number: lists of a project are found by it in their order, and counted by it,
-- however many artifacts the project has. An artifact in no project has the set 0; versions of one project are one
-- project. Whoever adds to project_version_artifacts sees to it that artifacts, their records and their slots carry the
-- set of all projects that the artifact belongs to.

CREATE TABLE project_sets (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    members         text COLLATE "C" NOT NULL, -- the ids of its projects in order, as 3,17
    UNIQUE (organization_id, members)
);

CREATE TABLE project_set_members (
    project_id     bigint NOT NULL REFERENCES projects,
    project_set_id bigint NOT NULL REFERENCES project_sets,
    PRIMARY KEY (project_id, project_set_id)
);

CREATE INDEX project_version_artifacts_by_artifact ON project_version_artifacts (artifact_id);

ALTER TABLE artifacts ADD COLUMN project_set_id bigint NOT NULL DEFAULT 0;
ALTER TABLE deployment_records ADD COLUMN project_set_id bigint NOT NULL DEFAULT 0;
ALTER TABLE current_slots ADD COLUMN project_set_id bigint NOT NULL DEFAULT 0;
ALTER TABLE list_changes ADD COLUMN project_set_id bigint NOT NULL DEFAULT 0;
ALTER TABLE list_totals ADD COLUMN project_set_id bigint NOT NULL DEFAULT 0;
ALTER TABLE list_totals DROP CONSTRAINT list_totals_pkey,
    ADD PRIMARY KEY (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id);

-- What is stored already.
CREATE TEMP TABLE projects_of ON COMMIT DROP AS
SELECT artifact_id, string_agg(CAST(project_id AS text), ',' ORDER BY project_id) AS members
FROM (SELECT DISTINCT l.artifact_id, v.project_id FROM project_version_artifacts l JOIN project_versions v ON v.id = l.project_version_id) AS p
GROUP BY artifact_id;
INSERT INTO project_sets (organization_id, members)
SELECT DISTINCT a.organization_id, p.members FROM projects_of p JOIN artifacts a ON a.id = p.artifact_id;
INSERT INTO project_set_members (project_id, project_set_id)
SELECT CAST(project_id AS bigint), id FROM project_sets CROSS JOIN LATERAL unnest(string_to_array(members, ',')) AS project_id;
UPDATE artifacts SET project_set_id = s.id
FROM projects_of p JOIN project_sets s ON s.members = p.members
WHERE artifacts.id = p.artifact_id AND s.organization_id = artifacts.organization_id;
-- The lists that are counted so far do not change by this, and those of sets are counted below: there is nothing to note.
-- Indexes that get another column below are not kept up meanwhile.
DROP INDEX deployment_records_by_environment, deployment_records_by_logical_environment, deployment_records_by_deployment_name, deployment_records_by_status, deployment_records_by_kind,
  current_slots_by_time, current_slots_by_environment, current_slots_by_logical_environment, current_slots_by_deployment_name;
ALTER TABLE deployment_records DISABLE TRIGGER note_updates;
ALTER TABLE current_slots DISABLE TRIGGER note_updates;
UPDATE deployment_records SET project_set_id = a.project_set_id FROM artifacts a WHERE a.id = artifact_id AND a.project_set_id > 0;
UPDATE current_slots SET project_set_id = a.project_set_id FROM artifacts a WHERE a.id = artifact_id AND a.project_set_id > 0;
ALTER TABLE deployment_records ENABLE TRIGGER note_updates;
ALTER TABLE current_slots ENABLE TRIGGER note_updates;
INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, latest, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', '', 0, 0, project_set_id, count(*)
FROM (SELECT organization_id, false AS latest, project_set_id FROM deployment_records
      UNION ALL SELECT organization_id, true, project_set_id FROM current_slots) AS r
WHERE project_set_id > 0 GROUP BY organization_id, latest, project_set_id;

-- Records and slots say of which set they are, each time: a server of the version before, which knows of none, fails
-- rather than add records that lists of projects miss.
ALTER TABLE deployment_records ALTER COLUMN project_set_id DROP DEFAULT;
ALTER TABLE current_slots ALTER COLUMN project_set_id DROP DEFAULT;
ALTER TABLE list_changes ALTER COLUMN project_set_id DROP DEFAULT;
ALTER TABLE list_totals ALTER COLUMN project_set_id DROP DEFAULT;

CREATE INDEX deployment_records_by_project_set ON deployment_records (organization_id, project_set_id, created_at, id) INCLUDE (status, kind) WHERE project_set_id > 0;
CREATE INDEX current_slots_by_project_set ON current_slots (organization_id, project_set_id, created_at, record_id) INCLUDE (status, kind) WHERE project_set_id > 0;
-- Lists that are narrowed by a project besides are narrowed in the index, as by other filters.
CREATE INDEX deployment_records_by_environment ON deployment_records (organization_id, environment_id, created_at, id) INCLUDE (logical_environment_id, status, kind, project_set_id);
CREATE INDEX deployment_records_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id) INCLUDE (status, kind, project_set_id);
CREATE INDEX deployment_records_by_deployment_name ON deployment_records (organization_id, deployment_name, created_at, id) INCLUDE (project_set_id);
CREATE INDEX deployment_records_by_status ON deployment_records (organization_id, status, created_at, id) INCLUDE (kind, project_set_id);
CREATE INDEX deployment_records_by_kind ON deployment_records (organization_id, kind, created_at, id) INCLUDE (status, project_set_id);
-- What was decommissioned is little among all records, and stays: without these, the few of one environment and kind
-- would be sought in all of that environment.
CREATE INDEX deployment_records_decommissioned_by_environment ON deployment_records (organization_id, environment_id, created_at, id) INCLUDE (logical_environment_id, kind, project_set_id) WHERE status = 2;
CREATE INDEX deployment_records_decommissioned_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id) INCLUDE (kind, project_set_id) WHERE status = 2;
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id) INCLUDE (status, kind, project_set_id);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id) INCLUDE (logical_environment_id, status, kind, project_set_id);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id) INCLUDE (status, kind, project_set_id);
CREATE INDEX current_slots_by_deployment_name ON current_slots (organization_id, deployment_name, created_at, record_id) INCLUDE (project_set_id);

-- Until a table is analyzed, the planner does not know which sets are frequent.
ANALYZE artifacts, deployment_records, current_slots, project_sets, project_set_members;

-- Where a transaction notes its changes: an import notes them apart, under the opposite of its organization's id, where
-- no list looks, and folds them before it commits. Lists would read past all that it has not committed yet.
CREATE FUNCTION list_changes_of(bigint) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN current_setting('deployrecords.changes_apart', true) = 'on' THEN -$1 ELSE $1 END $$;

-- The functions of the triggers, with both.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1 FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT v.* FROM was w JOIN now n ON n.id = w.id CROSS JOIN LATERAL (VALUES
        (list_changes_of(w.organization_id), false, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.project_set_id, w.created_at, w.id, -1),
        (list_changes_of(n.organization_id), false, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.project_set_id, n.created_at, n.id, 1)) v
    WHERE (w.organization_id, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.project_set_id, w.created_at)
        IS DISTINCT FROM (n.organization_id, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.project_set_id, n.created_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, -1 FROM gone;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_slot_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), true, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, 1 FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_slot_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT v.* FROM was w JOIN now n USING (organization_id, environment_id, deployment_name) CROSS JOIN LATERAL (VALUES
        (list_changes_of(w.organization_id), true, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.project_set_id, w.created_at, w.record_id, -1),
        (list_changes_of(n.organization_id), true, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.project_set_id, n.created_at, n.record_id, 1)) v
    WHERE (w.logical_environment_id, w.status, w.kind, w.project_set_id) IS DISTINCT FROM (n.logical_environment_id, n.status, n.kind, n.project_set_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_slot_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), true, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -1 FROM gone;
    RETURN NULL;
END $$;
-- +goose StatementEnd
