-- +goose Up

-- As in PostgreSQL, whose migration says why.
CREATE INDEX deployment_records_deployed_by_environment ON deployment_records (organization_id, environment_id, created_at, id, logical_environment_id, kind, project_set_id) WHERE status = 1;

DROP TABLE list_milestones;
CREATE TABLE long_list_milestones (
    organization_id        integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    project_id             integer NOT NULL, -- 0 is any
    created_at             integer NOT NULL,
    record_id              text NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, created_at, record_id)
) STRICT, WITHOUT ROWID;
