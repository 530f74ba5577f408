-- Parameters: $1 environment, $2 organization, $3 project
WITH names AS (
  SELECT organizations.id AS organization_id, environments.id AS environment_id
  FROM "organizations"
  JOIN environments ON environments.organization_id = organizations.id
    AND environments.name = CAST($1 AS text)
  WHERE key = CAST($2 AS text)
),
sets AS (
  SELECT project_set_id
  FROM "names"
  JOIN projects ON projects.organization_id = names.organization_id
    AND name = CAST($3 AS text)
  JOIN project_set_members ON project_id = projects.id
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM "deployment_records"
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND project_set_id > 0
),
total AS (
  SELECT count(*) AS n
  FROM sets
  JOIN matching ON matching.project_set_id = sets.project_set_id
),
page AS (
  SELECT id, created_at
  FROM sets
  CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM "matching"
    WHERE matching.project_set_id = sets.project_set_id
      AND (SELECT n FROM total) > 0
    ORDER BY created_at DESC, id DESC
    LIMIT CASE WHEN 20 > 0 THEN 20 + 0 ELSE 0 END
  ) AS of_set
  ORDER BY created_at DESC, id DESC
  LIMIT 20 OFFSET 0
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN (page JOIN deployment_records r ON r.id = page.id) ON true
ORDER BY r.created_at DESC, r.id DESC;
