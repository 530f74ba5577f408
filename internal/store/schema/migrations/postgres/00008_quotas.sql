-- +goose Up

-- How many names of each kind an organization has. A recording reads the row only if it adds names, and locks it only before
-- its commit.
CREATE TABLE organization_usage (
    organization_id      bigint PRIMARY KEY REFERENCES organizations,
    environments         bigint NOT NULL,
    logical_environments bigint NOT NULL,
    projects             bigint NOT NULL,
    project_versions     bigint NOT NULL
);

-- Names of transactions that have not ended would not be counted.
LOCK TABLE environments, logical_environments, projects, project_versions IN SHARE MODE;

INSERT INTO organization_usage (organization_id, environments, logical_environments, projects, project_versions)
SELECT o.id,
  (SELECT count(*) FROM environments e WHERE e.organization_id = o.id),
  (SELECT count(*) FROM logical_environments l WHERE l.organization_id = o.id),
  (SELECT count(*) FROM projects p WHERE p.organization_id = o.id),
  (SELECT count(*) FROM project_versions v JOIN projects p ON p.id = v.project_id WHERE p.organization_id = o.id)
FROM organizations o;
