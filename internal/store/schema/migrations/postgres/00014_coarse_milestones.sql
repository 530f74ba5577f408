-- +goose Up

-- Milestones get a second level, of which each counts the records of many others. A server of the version before compacts without it,
-- so it must not go on beside the new ones: the table of milestones gets another name, and its next compaction fails. Whoever
-- migrates builds all milestones.
ALTER TABLE list_ranges RENAME TO milestones;
TRUNCATE milestones;
ALTER TABLE milestones ADD COLUMN coarse boolean NOT NULL;
ALTER TABLE milestones DROP CONSTRAINT long_list_milestones_pkey,
    ADD PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, coarse, created_at, record_id);
