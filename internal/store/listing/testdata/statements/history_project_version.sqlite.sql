-- Parameters: $1 organization, $2 project, $3 project version
WITH names AS (
  SELECT organizations.id AS organization_id
  FROM `organizations`
  WHERE key = CAST(? AS text)
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM `deployment_records`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND (artifact_id IN (
    SELECT artifact_id
    FROM projects
    JOIN project_versions ON project_id = projects.id
    JOIN project_version_artifacts ON project_version_id = project_versions.id
    WHERE projects.organization_id = (SELECT names.organization_id FROM names)
      AND projects.name = CAST(? AS text)
      AND project_versions.name = CAST(? AS text)
  ))
),
total AS (
  SELECT count(*) AS n
  FROM `matching`
),
page AS (
  SELECT id, created_at
  FROM `matching`
  WHERE (SELECT n FROM total) > 0
  ORDER BY created_at DESC, id DESC
  LIMIT 20 OFFSET 0
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN (page JOIN deployment_records r ON r.id = page.id) ON true
ORDER BY r.created_at DESC, r.id DESC;
