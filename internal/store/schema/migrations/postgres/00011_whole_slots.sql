-- +goose Up

-- The columns of the latest record that current_slots lacks, so that a page of the default listing reads no other table.
-- A server of the version before, which does not write them, fails rather than leave them behind. The first statement locks
-- the table: a recorder that has changed a record either has changed its slot too, or does it afterwards.
ALTER TABLE current_slots ADD COLUMN updated_at timestamptz, ADD COLUMN last_seen_at timestamptz;
ALTER TABLE current_slots DISABLE TRIGGER note_updates; -- no counter depends on these columns
UPDATE current_slots SET updated_at = r.updated_at, last_seen_at = r.last_seen_at FROM deployment_records r WHERE r.id = record_id;
ALTER TABLE current_slots ENABLE TRIGGER note_updates;
ALTER TABLE current_slots ALTER COLUMN updated_at SET NOT NULL, ALTER COLUMN last_seen_at SET NOT NULL;
