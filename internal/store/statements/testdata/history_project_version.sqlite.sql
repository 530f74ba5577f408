-- Parameters: $1 organization, $2 project, $3 project version
WITH names AS (
  SELECT organizations.id AS organization_id
  FROM `organizations`
  WHERE key = CAST(? AS text)
),
artifact_ids AS (
  SELECT artifact_id
  FROM projects
  JOIN project_versions ON project_id = projects.id
  JOIN project_version_artifacts ON project_version_id = project_versions.id
  WHERE projects.organization_id = (SELECT names.organization_id FROM names)
    AND projects.name = CAST(? AS text)
    AND project_versions.name = CAST(? AS text)
),
counted AS (
  SELECT artifact_id, n
  FROM `counted_artifacts`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND artifact_id IN (SELECT artifact_id FROM artifact_ids)
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM `deployment_records`
),
pending AS (
  SELECT created_at, record_id, n
  FROM `list_changes`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND latest = false
    AND artifact_id IN (SELECT artifact_id FROM counted)
),
total AS (
  SELECT CAST(coalesce((
    SELECT sum(coalesce(counted.n, (SELECT count(*) FROM matching WHERE matching.artifact_id = artifact_ids.artifact_id)))
    FROM artifact_ids
    LEFT JOIN counted ON counted.artifact_id = artifact_ids.artifact_id
  ), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n
),
page AS (
  SELECT id, created_at
  FROM artifact_ids
  JOIN matching ON matching.artifact_id = artifact_ids.artifact_id
  WHERE (SELECT n FROM total) > 0
  ORDER BY created_at DESC, id DESC
  LIMIT 20 OFFSET 0
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN (page
JOIN deployment_records r ON r.id = page.id
  AND +r.organization_id = (SELECT names.organization_id FROM names)) ON true
ORDER BY r.created_at DESC, r.id DESC;
