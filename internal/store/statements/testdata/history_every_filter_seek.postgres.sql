-- Parameters: $1 environment, $2 logical environment, $3 project of the scope, $4 organization, $5 deployment name, $6 digest, $7 project, $8 project version, $9 offset, $10 offset
WITH names AS (
  SELECT organizations.id AS organization_id, environments.id AS environment_id, logical_environments.id AS logical_environment_id,
    projects.id AS project_id
  FROM "organizations"
  LEFT JOIN environments ON environments.organization_id = organizations.id
    AND environments.name = CAST($1 AS text)
  LEFT JOIN logical_environments ON logical_environments.organization_id = organizations.id
    AND logical_environments.name = CAST($2 AS text)
  LEFT JOIN projects ON projects.organization_id = organizations.id
    AND projects.name = CAST($3 AS text)
  WHERE key = CAST($4 AS text)
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
    AND coalesce(environment_id = (SELECT names.environment_id FROM names), false)
    AND coalesce(logical_environment_id = (SELECT names.logical_environment_id FROM names), false)
    AND coalesce(deployment_name = CAST($5 AS text), false)
    AND coalesce(status = 1, false)
    AND coalesce(kind = 1, false)
    AND coalesce((SELECT digest FROM artifacts WHERE artifacts.id = deployment_records.artifact_id) = CAST($6 AS text),
    false)
    AND (coalesce((
    SELECT 1
    FROM project_version_artifacts l
    WHERE l.artifact_id = deployment_records.artifact_id
      AND l.project_version_id = coalesce((
      SELECT project_versions.id
      FROM projects
      JOIN project_versions ON project_id = projects.id
      WHERE projects.organization_id = (SELECT names.organization_id FROM names)
        AND projects.name = CAST($7 AS text)
        AND project_versions.name = CAST($8 AS text)
    ), 0)
  ) = 1, false))
    AND project_set_id > 0
),
total AS (
  SELECT count(*) AS n
  FROM sets
  CROSS JOIN LATERAL (SELECT id FROM matching WHERE matching.project_set_id = sets.project_set_id OFFSET 0) AS of_part
),
target AS (
  SELECT n, greatest(n - CAST($9 AS bigint), 0) AS high, greatest(n - CAST($10 AS bigint) - 20, 0) AS low
  FROM "total"
),
anchors AS (
  SELECT CAST(0 AS bigint) AS rank, CAST('0001-01-01T00:00:00Z' AS timestamptz) AS created_at, CAST('00000000-0000-0000-0000-000000000000' AS uuid) AS id
  UNION ALL
  SELECT n, CAST('9999-12-31T23:59:59.999999Z' AS timestamptz) AS created_at, CAST('ffffffff-ffff-ffff-ffff-ffffffffffff' AS uuid) AS id
  FROM target
),
anchor AS (
  SELECT created_at, id, greatest(rank, low) - rank AS forward_skip, greatest(high - greatest(rank, low), 0) AS forward_rows,
    rank - least(rank, high) AS backward_skip, greatest(least(rank, high) - low, 0) AS backward_rows
  FROM anchors, target
  ORDER BY abs(rank - high)
  LIMIT 1
),
forward AS (
  SELECT id, created_at
  FROM sets
  CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM "matching"
    WHERE matching.project_set_id = sets.project_set_id
      AND (created_at, id) >= (SELECT created_at, id FROM anchor)
    ORDER BY created_at, id
    LIMIT CASE WHEN (SELECT forward_rows FROM anchor) > 0 THEN (SELECT forward_rows FROM anchor) + (SELECT forward_skip FROM anchor) ELSE 0 END
  ) AS of_part
  ORDER BY created_at, id
  LIMIT (SELECT forward_rows FROM anchor) OFFSET (SELECT forward_skip FROM anchor)
),
backward AS (
  SELECT id, created_at
  FROM sets
  CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM "matching"
    WHERE matching.project_set_id = sets.project_set_id
      AND (created_at, id) < (SELECT created_at, id FROM anchor)
    ORDER BY created_at DESC, id DESC
    LIMIT CASE WHEN (SELECT backward_rows FROM anchor) > 0 THEN (SELECT backward_rows FROM anchor) + (SELECT backward_skip FROM anchor) ELSE 0 END
  ) AS of_part
  ORDER BY created_at DESC, id DESC
  LIMIT (SELECT backward_rows FROM anchor) OFFSET (SELECT backward_skip FROM anchor)
),
page AS (
  SELECT *
  FROM forward
  UNION ALL
  SELECT *
  FROM backward
  LIMIT 20
)
SELECT total.n, r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status,
  r.created_at, r.updated_at, r.last_seen_at
FROM total
LEFT JOIN (page JOIN deployment_records r ON r.id = page.id) ON true
ORDER BY r.created_at DESC, r.id DESC;
