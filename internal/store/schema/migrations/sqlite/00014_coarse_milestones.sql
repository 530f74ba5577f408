-- +goose Up

-- As in PostgreSQL, whose migration says why.
DROP TABLE list_ranges;
CREATE TABLE milestones (
    organization_id        integer NOT NULL,
    environment_id         text NOT NULL,
    logical_environment_id text NOT NULL,
    deployment_name        text NOT NULL,
    status                 integer NOT NULL,
    kind                   integer NOT NULL,
    project_id             integer NOT NULL, -- 0 is any
    coarse                 integer NOT NULL,
    created_at             integer NOT NULL,
    record_id              text NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_id, coarse, created_at, record_id)
) STRICT, WITHOUT ROWID;
