-- +goose Up

-- Lists of the full history by a deployment name or a project have counters and milestones with one more filter too. A server of
-- the version before compacts without them, so it must not go on beside the new ones: the table of milestones gets another name,
-- and its next compaction fails. The tables are locked in the order of writers and of listings. A compaction of an old server that
-- is building milestones locks them in another order: PostgreSQL then ends one of the two, and the migration starts over.
LOCK TABLE deployment_records, current_slots IN ACCESS EXCLUSIVE MODE;
ALTER TABLE long_list_milestones RENAME TO list_ranges;
LOCK TABLE list_changes IN ACCESS EXCLUSIVE MODE;

-- The records without the pending deltas.
CREATE TEMP TABLE compacted ON COMMIT DROP AS
SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, sum(n) AS n
FROM (SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, 1 AS n FROM deployment_records
      UNION ALL SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, -n FROM list_changes WHERE NOT latest) AS r
GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, false, coalesce(environment_id, '271cd479-99fe-42ea-b632-a11581c16cca'), coalesce(logical_environment_id, '271cd479-99fe-42ea-b632-a11581c16cca'),
  coalesce(deployment_name, ''), coalesce(status, 0), coalesce(kind, 0), coalesce(project_set_id, 0), sum(n)
FROM compacted
GROUP BY organization_id, GROUPING SETS (
  (deployment_name, environment_id), (deployment_name, logical_environment_id), (deployment_name, status), (deployment_name, kind),
  (project_set_id, environment_id), (project_set_id, logical_environment_id), (project_set_id, deployment_name), (project_set_id, status), (project_set_id, kind))
HAVING sum(n) <> 0 AND (GROUPING(logical_environment_id) = 1 OR logical_environment_id IS NOT NULL) AND (GROUPING(project_set_id) = 1 OR project_set_id > 0);

-- An index narrows the lists that it yields by the other filter.
DROP INDEX deployment_records_by_deployment_name, deployment_records_by_project_set;
CREATE INDEX deployment_records_by_deployment_name ON deployment_records (organization_id, deployment_name, created_at, id)
  INCLUDE (logical_environment_id, status, kind, project_set_id);
CREATE INDEX deployment_records_by_project_set ON deployment_records (organization_id, project_set_id, created_at, id)
  INCLUDE (environment_id, logical_environment_id, deployment_name, status, kind) WHERE project_set_id > 0;
ANALYZE list_totals;

TRUNCATE list_ranges; -- whoever migrates builds all milestones
