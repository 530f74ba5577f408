-- Parameters: $1 organization, $2 digest, $3 offset, $4 offset
WITH names AS (
  SELECT organizations.id AS organization_id
  FROM `organizations`
  WHERE key = CAST(? AS text)
),
artifact_ids AS (
  SELECT id AS artifact_id
  FROM `artifacts`
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND digest = CAST(? AS text)
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
target AS (
  SELECT n, max(n - CAST(? AS bigint), 0) AS high, max(n - CAST(? AS bigint) - 20, 0) AS low
  FROM `total`
),
anchors AS (
  SELECT CAST(0 AS bigint) AS rank, -62135596800000000 AS created_at, '00000000-0000-0000-0000-000000000000' AS id
  UNION ALL
  SELECT n, 253402300799999999 AS created_at, 'ffffffff-ffff-ffff-ffff-ffffffffffff' AS id
  FROM target
),
anchor AS (
  SELECT created_at, id, max(rank, low) - rank AS forward_skip, max(high - max(rank, low), 0) AS forward_rows,
    rank - min(rank, high) AS backward_skip, max(min(rank, high) - low, 0) AS backward_rows
  FROM anchors, target
  ORDER BY abs(rank - high)
  LIMIT 1
),
forward AS (
  SELECT id, created_at
  FROM artifact_ids
  JOIN matching ON matching.artifact_id = artifact_ids.artifact_id
  WHERE (created_at, id) >= (SELECT created_at, id FROM anchor)
  ORDER BY created_at, id
  LIMIT (SELECT forward_rows FROM anchor) OFFSET (SELECT forward_skip FROM anchor)
),
backward AS (
  SELECT id, created_at
  FROM artifact_ids
  JOIN matching ON matching.artifact_id = artifact_ids.artifact_id
  WHERE (created_at, id) < (SELECT created_at, id FROM anchor)
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
LEFT JOIN (page
JOIN deployment_records r ON r.id = page.id
  AND +r.organization_id = (SELECT names.organization_id FROM names)) ON true
ORDER BY r.created_at DESC, r.id DESC;
