-- Parameters: $1 organization, $2 deployment name
WITH names AS (
  SELECT organizations.id AS organization_id
  FROM `organizations`
  WHERE key = CAST(? AS text)
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM `deployment_records`
  WHERE organization_id = (SELECT names.organization_id FROM names)
),
pending AS (
  SELECT created_at, record_id, n
  FROM `list_changes`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND latest = false
),
total AS (
  SELECT CAST(coalesce((
    SELECT n
    FROM `list_totals`
    WHERE latest = false
      AND project_set_id = 0
      AND organization_id = (SELECT names.organization_id FROM names)
      AND environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
      AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
      AND status = 0
      AND kind = 0
      AND deployment_name = CAST(? AS text)
  ), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n
),
page AS (
  SELECT id, environment_id, logical_environment_id, deployment_name, artifact_id, status, created_at, updated_at,
    last_seen_at
  FROM `matching`
  WHERE (SELECT n FROM total) > 0
  ORDER BY created_at DESC, id DESC
  LIMIT 20 OFFSET 0
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN page r ON true
ORDER BY r.created_at DESC, r.id DESC;
