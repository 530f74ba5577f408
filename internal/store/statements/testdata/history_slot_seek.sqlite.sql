-- Parameters: $1 environment, $2 organization, $3 deployment name, $4 deployment name, $5 deployment name, $6 offset, $7 offset, $8 deployment name
WITH names AS (
  SELECT organizations.id AS organization_id, environments.id AS environment_id
  FROM `organizations`
  JOIN environments ON environments.organization_id = organizations.id
    AND environments.name = CAST(? AS text)
  WHERE key = CAST(? AS text)
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM `deployment_records`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND deployment_name = CAST(? AS text)
),
pending AS (
  SELECT created_at, record_id, n
  FROM `list_changes`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND deployment_name = CAST(? AS text)
    AND latest = false
),
total AS (
  SELECT CAST(coalesce((
    SELECT n
    FROM `list_totals`
    WHERE latest = false
      AND project_set_id = 0
      AND organization_id = (SELECT names.organization_id FROM names)
      AND environment_id = (SELECT names.environment_id FROM names)
      AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
      AND status = 0
      AND kind = 0
      AND deployment_name = CAST(? AS text)
  ), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n
),
target AS (
  SELECT n, max(n - CAST(? AS bigint), 0) AS high, max(n - CAST(? AS bigint) - 20, 0) AS low
  FROM `total`
),
fine_milestones AS (
  SELECT created_at, record_id AS id, n, sum(n) OVER (ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING) AS upto
  FROM `list_positions`
  WHERE coarse = false
    AND project_id = 0
    AND artifact_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = (SELECT names.environment_id FROM names)
    AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND status = 0
    AND kind = 0
    AND deployment_name = CAST(? AS text)
    AND ((SELECT high > 1024 AND n - high > 1024 FROM target))
),
milestone AS (
  SELECT created_at, id, 0 + upto - n + coalesce((
    SELECT sum(pending.n)
    FROM pending
    WHERE (pending.created_at, pending.record_id) < (fine_milestones.created_at, fine_milestones.id)
  ), 0) AS rank
  FROM `fine_milestones`
  WHERE 2 * (0 + upto) - n >= 2 * (SELECT high FROM target)
  ORDER BY created_at, id
  LIMIT 1
),
anchors AS (
  SELECT CAST(0 AS bigint) AS rank, -62135596800000000 AS created_at, '00000000-0000-0000-0000-000000000000' AS id
  UNION ALL
  SELECT n, 253402300799999999 AS created_at, 'ffffffff-ffff-ffff-ffff-ffffffffffff' AS id
  FROM target
  UNION ALL
  SELECT rank, created_at, id
  FROM milestone
),
anchor AS (
  SELECT created_at, id, max(rank, low) - rank AS forward_skip, max(high - max(rank, low), 0) AS forward_rows,
    rank - min(rank, high) AS backward_skip, max(min(rank, high) - low, 0) AS backward_rows
  FROM anchors, target
  ORDER BY abs(rank - high)
  LIMIT 1
),
forward_start AS (
  SELECT id, created_at
  FROM `matching`
  WHERE (created_at, id) >= (SELECT created_at, id FROM anchor)
  ORDER BY created_at, id
  LIMIT 1 OFFSET (SELECT forward_skip FROM anchor)
),
forward AS (
  SELECT id, environment_id, logical_environment_id, deployment_name, artifact_id, status, created_at, updated_at,
    last_seen_at
  FROM `matching`
  WHERE (created_at, id) >= (SELECT created_at, id FROM forward_start)
  ORDER BY created_at, id
  LIMIT (SELECT forward_rows FROM anchor) OFFSET 0
),
backward_start AS (
  SELECT id, created_at
  FROM `matching`
  WHERE (created_at, id) < (SELECT created_at, id FROM anchor)
  ORDER BY created_at DESC, id DESC
  LIMIT 1 OFFSET (SELECT backward_skip FROM anchor)
),
backward AS (
  SELECT id, environment_id, logical_environment_id, deployment_name, artifact_id, status, created_at, updated_at,
    last_seen_at
  FROM `matching`
  WHERE (created_at, id) <= (SELECT created_at, id FROM backward_start)
  ORDER BY created_at DESC, id DESC
  LIMIT (SELECT backward_rows FROM anchor) OFFSET 0
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
LEFT JOIN page r ON true
ORDER BY r.created_at DESC, r.id DESC;
