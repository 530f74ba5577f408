-- Parameters: $1 environment, $2 logical environment, $3 organization, $4 deployment name
WITH names AS (
  SELECT organizations.id AS organization_id, environments.id AS environment_id, logical_environments.id AS logical_environment_id
  FROM `organizations`
  JOIN environments ON environments.organization_id = organizations.id
    AND environments.name = CAST(? AS text)
  JOIN logical_environments ON logical_environments.organization_id = organizations.id
    AND logical_environments.name = CAST(? AS text)
  WHERE key = CAST(? AS text)
),
matching AS NOT MATERIALIZED (
  SELECT *, record_id AS id
  FROM `current_slots`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND logical_environment_id = (SELECT names.logical_environment_id FROM names)
    AND status = 1
    AND kind = 1
),
pending AS (
  SELECT created_at, record_id, n
  FROM `list_changes`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND logical_environment_id = (SELECT names.logical_environment_id FROM names)
    AND status = 1
    AND kind = 1
    AND latest = true
),
total AS (
  SELECT CAST(coalesce((
    SELECT n
    FROM `list_totals`
    WHERE latest = true
      AND project_set_id = 0
      AND organization_id = (SELECT names.organization_id FROM names)
      AND environment_id = (SELECT names.environment_id FROM names)
      AND logical_environment_id = (SELECT names.logical_environment_id FROM names)
      AND status = 1
      AND kind = 1
      AND deployment_name = CAST(? AS text)
  ), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n
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
