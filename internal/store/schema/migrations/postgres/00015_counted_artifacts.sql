-- +goose Up

-- Artifacts with many records get a counter and milestones once somebody lists their records. Servers of the version before would add
-- up these milestones as those of all records, and compact without the counters. So they must not go on beside the new ones: the
-- table of milestones gets another name.
-- Deltas of records have their artifact. A writer that runs the function of the version before would omit it, so the lock waits for all
-- of them. Tables are locked in the order of an import: records, deltas, milestones.
LOCK TABLE deployment_records IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE list_changes ADD COLUMN artifact_id uuid; -- of a latest record, and of a delta before this migration: NULL

CREATE TABLE counted_artifacts (
    organization_id bigint NOT NULL,
    artifact_id     uuid NOT NULL,
    n               bigint NOT NULL, -- records, as far as compacted
    PRIMARY KEY (organization_id, artifact_id)
);
ALTER TABLE milestones RENAME TO list_positions;
ALTER TABLE list_positions ADD COLUMN artifact_id uuid NOT NULL DEFAULT '271cd479-99fe-42ea-b632-a11581c16cca'; -- of any artifact
ALTER TABLE list_positions ALTER COLUMN artifact_id DROP DEFAULT, DROP CONSTRAINT milestones_pkey,
    ADD PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, artifact_id, coarse,
        created_at, record_id);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, id, 1 FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    SELECT v.* FROM was w JOIN now n ON n.id = w.id CROSS JOIN LATERAL (VALUES
        (list_changes_of(w.organization_id), false, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.project_set_id, w.artifact_id, w.created_at, w.id, -1),
        (list_changes_of(n.organization_id), false, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.project_set_id, n.artifact_id, n.created_at, n.id, 1)) v
    WHERE (w.organization_id, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.project_set_id, w.artifact_id, w.created_at)
        IS DISTINCT FROM (n.organization_id, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.project_set_id, n.artifact_id, n.created_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_record_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, record_id, n)
    SELECT list_changes_of(organization_id), false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, artifact_id, created_at, id, -1 FROM gone;
    RETURN NULL;
END $$;
-- +goose StatementEnd
