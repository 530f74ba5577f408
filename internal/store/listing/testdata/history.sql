-- A history of :n records of :organization, made in the database: quick, and like one that grew. The first records
-- fill every slot; the others go to few slots often and to many seldom. Artifacts come and go with time.
INSERT INTO organizations (key) VALUES (:organization);
CREATE TEMP TABLE o ON COMMIT DROP AS SELECT id FROM organizations WHERE key = :organization;
SELECT setseed(0.5);
INSERT INTO environments SELECT gen_random_uuid(), o.id, 'env' || i FROM o, generate_series(1, 100) i;
INSERT INTO logical_environments SELECT gen_random_uuid(), o.id, 'stage' || i FROM o, generate_series(0, 4) i;
INSERT INTO artifacts (id, organization_id, kind, name, version, digest)
SELECT gen_random_uuid(), o.id, 1 + (i % 5 = 0)::int, 'app' || i % 100, 'v' || i, 'sha256:' || i FROM o, generate_series(1, 100 + :n / 30) i;
INSERT INTO projects (organization_id, name) SELECT o.id, 'project' || i FROM o, generate_series(0, 9) i;
INSERT INTO project_versions (project_id, name) SELECT p.id, 'v' || i FROM o JOIN projects p ON p.organization_id = o.id, generate_series(0, :n / 3000) i;
INSERT INTO project_version_artifacts
SELECT pv.id, a.id FROM o JOIN artifacts a ON a.organization_id = o.id
JOIN projects p ON p.organization_id = o.id AND p.name = 'project' || substr(a.version, 2)::int % 10
JOIN project_versions pv ON pv.project_id = p.id AND pv.name = 'v' || substr(a.version, 2)::int / 100;
INSERT INTO project_sets (organization_id, members) SELECT o.id, p.id FROM o JOIN projects p ON p.organization_id = o.id;
INSERT INTO project_set_members (project_id, project_set_id) SELECT CAST(s.members AS bigint), s.id FROM o JOIN project_sets s ON s.organization_id = o.id;
UPDATE artifacts a SET project_set_id = m.project_set_id
FROM project_version_artifacts pva JOIN project_versions pv ON pv.id = pva.project_version_id JOIN project_set_members m ON m.project_id = pv.project_id
WHERE pva.artifact_id = a.id AND a.organization_id = (SELECT id FROM o);
WITH e AS (SELECT e.id, substr(e.name, 4)::int AS i FROM o JOIN environments e ON e.organization_id = o.id),
l AS (SELECT l.id, substr(l.name, 6)::int AS i FROM o JOIN logical_environments l ON l.organization_id = o.id),
a AS (SELECT a.id, a.kind, a.project_set_id, substr(a.version, 2)::int AS i FROM o JOIN artifacts a ON a.organization_id = o.id),
drawn AS (
  SELECT i, CASE WHEN i <= 9000 THEN 1 + i % 100 ELSE 1 + (99 * power(random(), 2))::int END AS e,
    CASE WHEN i <= 9000 THEN i / 100 ELSE (89 * power(random(), 3))::int END AS d,
    greatest(1, least(100 + :n / 30, i / 30 + (100 * random())::int)) AS a
  FROM generate_series(1, :n) i
)
INSERT INTO deployment_records
SELECT gen_random_uuid(), o.id, e.id, CASE WHEN e.i % 10 > 0 THEN l.id END, 'app' || d.d, a.id, a.kind,
  CASE WHEN row_number() OVER (PARTITION BY d.e, d.d ORDER BY d.i DESC) = 1 THEN 1 + (random() < 0.1)::int WHEN random() < 0.02 THEN 2 ELSE 3 END,
  t, t, t, a.project_set_id
FROM o, drawn d JOIN e ON e.i = d.e JOIN l ON l.i = d.e % 5 JOIN a ON a.i = d.a,
  LATERAL (SELECT timestamptz '2026-11-01' - (:n - d.i) * interval '100 s' AS t) AS moment;
INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at,
  updated_at, last_seen_at)
SELECT DISTINCT ON (environment_id, deployment_name)
  organization_id, environment_id, deployment_name, r.id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at
FROM o JOIN deployment_records r ON r.organization_id = o.id ORDER BY environment_id, deployment_name, created_at DESC, r.id DESC;
