-- Parameters: $1 project of the scope, $2 organization, $3 deployment name
WITH names AS (
  SELECT organizations.id AS organization_id, projects.id AS project_id
  FROM "organizations"
  LEFT JOIN projects ON projects.organization_id = organizations.id
    AND projects.name = CAST($1 AS text)
  WHERE key = CAST($2 AS text)
),
sets AS (
  SELECT project_set_id
  FROM "names"
  JOIN project_set_members ON project_set_members.project_id = names.project_id
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM "deployment_records"
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND project_set_id > 0
),
pending AS (
  SELECT created_at, record_id, n
  FROM "list_changes"
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND project_set_id IN (SELECT project_set_id FROM sets)
    AND latest = false
),
total AS (
  SELECT CAST(coalesce((
    SELECT sum((
      SELECT n
      FROM "list_totals"
      WHERE latest = false
        AND list_totals.project_set_id = sets.project_set_id
        AND organization_id = (SELECT names.organization_id FROM names)
        AND environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
        AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
        AND status = 0
        AND kind = 0
        AND deployment_name = CAST($3 AS text)
    ))
    FROM "sets"
  ), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n
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
  ) AS of_part
  ORDER BY created_at DESC, id DESC
  LIMIT 20 OFFSET 0
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN (page JOIN deployment_records r ON r.id = page.id) ON true
ORDER BY r.created_at DESC, r.id DESC;
