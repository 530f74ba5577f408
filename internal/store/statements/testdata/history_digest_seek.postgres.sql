-- Parameters: $1 organization, $2 digest, $3 offset, $4 offset, $5 deployment name, $6 deployment name
WITH names AS (
  SELECT organizations.id AS organization_id
  FROM "organizations"
  WHERE key = CAST($1 AS text)
),
artifact_ids AS (
  SELECT id AS artifact_id
  FROM "artifacts"
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND digest = CAST($2 AS text)
),
counted AS (
  SELECT artifact_id, n
  FROM "counted_artifacts"
  WHERE organization_id = (SELECT names.organization_id FROM names)
    AND artifact_id IN (SELECT artifact_id FROM artifact_ids)
),
matching AS NOT MATERIALIZED (
  SELECT *
  FROM "deployment_records"
),
pending AS (
  SELECT created_at, record_id, n
  FROM "list_changes"
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
  SELECT n, greatest(n - CAST($3 AS bigint), 0) AS high, greatest(n - CAST($4 AS bigint) - 20, 0) AS low
  FROM "total"
),
coarse_milestones AS (
  SELECT created_at, record_id AS id, n, sum(n) OVER (ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING) AS upto
  FROM "list_positions"
  WHERE coarse = true
    AND project_id = 0
    AND artifact_id = (SELECT artifact_id FROM counted WHERE (SELECT count(*) FROM artifact_ids) = 1)
    AND organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND status = 0
    AND kind = 0
    AND deployment_name = CAST($5 AS text)
),
stretch AS (
  SELECT created_at, id, upto - n AS before
  FROM "coarse_milestones"
  WHERE upto >= (SELECT high FROM target)
    AND ((SELECT high > 1024 AND n - high > 1024 FROM target))
  ORDER BY created_at, id
  LIMIT 1
),
fine_milestones AS (
  SELECT created_at, record_id AS id, n, sum(n) OVER (ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING) AS upto
  FROM "list_positions"
  WHERE coarse = false
    AND project_id = 0
    AND artifact_id = (SELECT artifact_id FROM counted WHERE (SELECT count(*) FROM artifact_ids) = 1)
    AND (created_at, record_id) >= (SELECT created_at, id FROM stretch)
    AND organization_id = (SELECT names.organization_id FROM names)
    AND environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND logical_environment_id = '271cd479-99fe-42ea-b632-a11581c16cca'
    AND status = 0
    AND kind = 0
    AND deployment_name = CAST($6 AS text)
),
milestone AS (
  SELECT created_at, id, (SELECT before FROM stretch) + upto - n + coalesce((
    SELECT sum(pending.n)
    FROM pending
    WHERE (pending.created_at, pending.record_id) < (fine_milestones.created_at, fine_milestones.id)
  ), 0) AS rank
  FROM "fine_milestones"
  WHERE 2 * ((SELECT before FROM stretch) + upto) - n >= 2 * (SELECT high FROM target)
  ORDER BY created_at, id
  LIMIT 1
),
anchors AS (
  SELECT CAST(0 AS bigint) AS rank, CAST('0001-01-01T00:00:00Z' AS timestamptz) AS created_at, CAST('00000000-0000-0000-0000-000000000000' AS uuid) AS id
  UNION ALL
  SELECT n, CAST('9999-12-31T23:59:59.999999Z' AS timestamptz) AS created_at, CAST('ffffffff-ffff-ffff-ffff-ffffffffffff' AS uuid) AS id
  FROM target
  UNION ALL
  SELECT rank, created_at, id
  FROM milestone
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
  FROM artifact_ids
  CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM "matching"
    WHERE matching.artifact_id = artifact_ids.artifact_id
      AND (created_at, id) >= (SELECT created_at, id FROM anchor)
    ORDER BY created_at, id
    LIMIT CASE WHEN (SELECT forward_rows FROM anchor) > 0 THEN (SELECT forward_rows FROM anchor) + (SELECT forward_skip FROM anchor) ELSE 0 END
  ) AS of_part
  ORDER BY created_at, id
  LIMIT (SELECT forward_rows FROM anchor) OFFSET (SELECT forward_skip FROM anchor)
),
backward AS (
  SELECT id, created_at
  FROM artifact_ids
  CROSS JOIN LATERAL (
    SELECT id, created_at
    FROM "matching"
    WHERE matching.artifact_id = artifact_ids.artifact_id
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
LEFT JOIN (page
JOIN deployment_records r ON r.id = page.id
  AND +r.organization_id = (SELECT names.organization_id FROM names)) ON true
ORDER BY r.created_at DESC, r.id DESC;
