-- +goose Up

-- What recorders search by: the DEPLOYED records of an environment or a slot, and the others of an identity, newest first.
-- All that is searched by are expressions, so that a statement can ask for this index and no other: statistics that are
-- wrong after a table has grown made the planner read a whole environment for each slot.
CREATE INDEX deployment_records_by_identity ON deployment_records (
    uuid_hash_extended(environment_id, organization_id),
    (CASE status WHEN 1 THEN 1 ELSE 2 END),
    hashtextextended(deployment_name, 0),
    uuid_hash_extended(coalesce(logical_environment_id, '00000000-0000-0000-0000-000000000000'), kind),
    created_at,
    id
);

-- The same for the primary key.
CREATE INDEX current_slots_by_key ON current_slots (uuid_hash_extended(environment_id, hashtextextended(deployment_name, organization_id)));

-- No statistics of an expression: the planner would use the defaults until the next ANALYZE.
ANALYZE deployment_records, current_slots;
