-- The rights of a server whose schema another role owns and migrates. The owner grants them after each migration. Nothing is
-- ever deleted but a row of current_slots, when an import moves the only record of a slot elsewhere, a row of slots whose only
-- recording exceeded a quota, idempotency keys and snapshots that have expired, and the bookkeeping of totals.
GRANT USAGE ON SCHEMA public TO deployrecords_server;
GRANT SELECT ON goose_db_version TO deployrecords_server;
GRANT SELECT, INSERT ON environments, logical_environments, artifacts, projects, project_versions,
  project_version_artifacts, project_sets TO deployrecords_server;
GRANT UPDATE (project_set_id) ON artifacts TO deployrecords_server;
GRANT SELECT, INSERT, UPDATE ON organizations, organization_usage, deployment_records TO deployrecords_server;
GRANT SELECT, INSERT, DELETE ON project_set_members TO deployrecords_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON current_slots, idempotency_keys, list_changes, list_totals,
  counted_artifacts, list_positions, slots, snapshot_parts, snapshots TO deployrecords_server;
