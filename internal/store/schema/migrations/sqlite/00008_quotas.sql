-- +goose Up

-- As in PostgreSQL, whose migration explains the table.
CREATE TABLE organization_usage (
    organization_id      integer PRIMARY KEY REFERENCES organizations,
    environments         integer NOT NULL,
    logical_environments integer NOT NULL,
    projects             integer NOT NULL,
    project_versions     integer NOT NULL
) STRICT;

INSERT INTO organization_usage (organization_id, environments, logical_environments, projects, project_versions)
SELECT o.id,
  (SELECT count(*) FROM environments e WHERE e.organization_id = o.id),
  (SELECT count(*) FROM logical_environments l WHERE l.organization_id = o.id),
  (SELECT count(*) FROM projects p WHERE p.organization_id = o.id),
  (SELECT count(*) FROM project_versions v JOIN projects p ON p.id = v.project_id WHERE p.organization_id = o.id)
FROM organizations o;
