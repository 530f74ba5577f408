-- +goose Up

-- As in PostgreSQL, whose migration says why. SQLite adds no column without a default.
ALTER TABLE current_slots ADD COLUMN updated_at integer NOT NULL DEFAULT 0;
ALTER TABLE current_slots ADD COLUMN last_seen_at integer NOT NULL DEFAULT 0;
UPDATE current_slots SET (updated_at, last_seen_at) = (SELECT updated_at, last_seen_at FROM deployment_records r WHERE r.id = record_id);
