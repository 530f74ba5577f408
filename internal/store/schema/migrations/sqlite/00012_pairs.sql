-- +goose Up

-- As in PostgreSQL, whose migration says why.
ALTER TABLE long_list_milestones RENAME TO list_ranges;
DELETE FROM list_ranges;

CREATE TABLE compacted AS
SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, sum(n) AS n
FROM (SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, 1 AS n FROM deployment_records
      UNION ALL SELECT organization_id, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, -n FROM list_changes WHERE NOT latest) AS r
GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO list_totals (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, n)
SELECT organization_id, false, environment_id, '271cd479-99fe-42ea-b632-a11581c16cca', deployment_name, 0, 0, 0, sum(n) FROM compacted GROUP BY organization_id, deployment_name, environment_id HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', logical_environment_id, deployment_name, 0, 0, 0, sum(n) FROM compacted WHERE logical_environment_id IS NOT NULL GROUP BY organization_id, deployment_name, logical_environment_id HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', deployment_name, status, 0, 0, sum(n) FROM compacted GROUP BY organization_id, deployment_name, status HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', deployment_name, 0, kind, 0, sum(n) FROM compacted GROUP BY organization_id, deployment_name, kind HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, environment_id, '271cd479-99fe-42ea-b632-a11581c16cca', '', 0, 0, project_set_id, sum(n) FROM compacted WHERE project_set_id > 0 GROUP BY organization_id, project_set_id, environment_id HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', logical_environment_id, '', 0, 0, project_set_id, sum(n) FROM compacted WHERE project_set_id > 0 AND logical_environment_id IS NOT NULL GROUP BY organization_id, project_set_id, logical_environment_id HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', deployment_name, 0, 0, project_set_id, sum(n) FROM compacted WHERE project_set_id > 0 GROUP BY organization_id, project_set_id, deployment_name HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', '', status, 0, project_set_id, sum(n) FROM compacted WHERE project_set_id > 0 GROUP BY organization_id, project_set_id, status HAVING sum(n) <> 0
UNION ALL SELECT organization_id, false, '271cd479-99fe-42ea-b632-a11581c16cca', '271cd479-99fe-42ea-b632-a11581c16cca', '', 0, kind, project_set_id, sum(n) FROM compacted WHERE project_set_id > 0 GROUP BY organization_id, project_set_id, kind HAVING sum(n) <> 0;
DROP TABLE compacted;

DROP INDEX deployment_records_by_deployment_name;
DROP INDEX deployment_records_by_project_set;
CREATE INDEX deployment_records_by_deployment_name ON deployment_records (organization_id, deployment_name, created_at, id, logical_environment_id, status, kind, project_set_id);
CREATE INDEX deployment_records_by_project_set ON deployment_records (organization_id, project_set_id, created_at, id, environment_id, logical_environment_id, deployment_name, status, kind)
  WHERE project_set_id > 0;
