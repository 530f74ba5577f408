-- +goose Up

-- What is deployed is little among all records, too: the few of one environment and kind were sought in all of that
-- environment.
CREATE INDEX deployment_records_deployed_by_environment ON deployment_records (organization_id, environment_id, created_at, id) INCLUDE (logical_environment_id, kind, project_set_id) WHERE status = 1;

-- Long lists of a project have milestones, too. All are set anew, by who migrates: builds of before have kept those of
-- fewer lists with the same schema. The table has another name for such a build, which may go on beside the new ones for
-- a moment, to fail where it folds or seeks a page, rather than leave counts behind that are wrong.
ALTER TABLE list_milestones RENAME TO long_list_milestones;
TRUNCATE long_list_milestones;
ALTER TABLE long_list_milestones ADD COLUMN project_id bigint NOT NULL; -- 0 is any
ALTER TABLE long_list_milestones DROP CONSTRAINT list_milestones_pkey,
    ADD PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, created_at, record_id);
