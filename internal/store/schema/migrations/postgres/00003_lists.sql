-- +goose Up

-- All that is altered below, at once: writers that came first are waited for, and none is met half-way.
LOCK TABLE deployment_records, current_slots IN ACCESS EXCLUSIVE MODE;

-- Exact totals and places in long lists, without reading the lists. A list is what a set of filters gives:
-- of all records or (latest) of those of current_slots. An empty name,
-- a zero and the id 271cd479-99fe-42ea-b632-a11581c16cca stand for "any".
--
-- What is counted is always: the counts of list_totals and list_milestones, and with them the changes of list_changes
-- that are not folded into them yet. Every write appends its changes in its own transaction, by the triggers below;
-- any server folds them later; readers add what is not folded. No references here: all of it comes from rows that have
-- them, and each would be one more look-up for each change.

CREATE TABLE list_changes (
    organization_id        bigint NOT NULL,
    id                     bigint GENERATED ALWAYS AS IDENTITY,
    latest                 boolean NOT NULL,
    environment_id         uuid NOT NULL,
    logical_environment_id uuid,
    deployment_name        text COLLATE "C" NOT NULL,
    status                 smallint NOT NULL,
    kind                   smallint NOT NULL,
    created_at             timestamptz NOT NULL,
    record_id              uuid NOT NULL,
    n                      smallint NOT NULL, -- 1: the record came to be so; -1: it is so no more
    PRIMARY KEY (organization_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE list_totals (
    organization_id        bigint NOT NULL,
    latest                 boolean NOT NULL,
    environment_id         uuid NOT NULL,
    logical_environment_id uuid NOT NULL,
    deployment_name        text COLLATE "C" NOT NULL,
    status                 smallint NOT NULL,
    kind                   smallint NOT NULL,
    n                      bigint NOT NULL,
    PRIMARY KEY (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind)
) WITH (fillfactor = 50);

-- Of a long list of all records: how many there are from here to the next milestone, in the order of time. The first
-- of a list is before all records.
CREATE TABLE list_milestones (
    organization_id        bigint NOT NULL,
    environment_id         uuid NOT NULL,
    logical_environment_id uuid NOT NULL,
    deployment_name        text COLLATE "C" NOT NULL,
    status                 smallint NOT NULL,
    kind                   smallint NOT NULL,
    created_at             timestamptz NOT NULL,
    record_id              uuid NOT NULL,
    n                      integer NOT NULL,
    PRIMARY KEY (organization_id, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id)
) WITH (fillfactor = 80);

-- +goose StatementBegin
CREATE FUNCTION note_record_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, created_at, id, 1 FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION note_record_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT v.* FROM was w JOIN now n ON n.id = w.id CROSS JOIN LATERAL (VALUES
        (w.organization_id, false, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.created_at, w.id, -1),
        (n.organization_id, false, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.created_at, n.id, 1)) v
    WHERE (w.organization_id, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.created_at)
        IS DISTINCT FROM (n.organization_id, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.created_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION note_record_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, created_at, id, -1 FROM gone;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION note_slot_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT organization_id, true, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, 1 FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION note_slot_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT v.* FROM was w JOIN now n USING (organization_id, environment_id, deployment_name) CROSS JOIN LATERAL (VALUES
        (w.organization_id, true, w.environment_id, w.logical_environment_id, w.deployment_name, w.status, w.kind, w.created_at, w.record_id, -1),
        (n.organization_id, true, n.environment_id, n.logical_environment_id, n.deployment_name, n.status, n.kind, n.created_at, n.record_id, 1)) v
    WHERE (w.logical_environment_id, w.status, w.kind) IS DISTINCT FROM (n.logical_environment_id, n.status, n.kind);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION note_slot_deletes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
    SELECT organization_id, true, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, -1 FROM gone;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER note_inserts AFTER INSERT ON deployment_records REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_record_inserts();
CREATE TRIGGER note_updates AFTER UPDATE ON deployment_records REFERENCING OLD TABLE AS was NEW TABLE AS now FOR EACH STATEMENT EXECUTE FUNCTION note_record_updates();
CREATE TRIGGER note_deletes AFTER DELETE ON deployment_records REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_record_deletes();
CREATE TRIGGER note_inserts AFTER INSERT ON current_slots REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_slot_inserts();
CREATE TRIGGER note_updates AFTER UPDATE ON current_slots REFERENCING OLD TABLE AS was NEW TABLE AS now FOR EACH STATEMENT EXECUTE FUNCTION note_slot_updates();
CREATE TRIGGER note_deletes AFTER DELETE ON current_slots REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_slot_deletes();

-- Columns that other filters ask for stand in the indexes too: what one index gives in order is narrowed by the others
-- without a look at the table. That needs pages that vacuum has seen, so it comes often.
DROP INDEX deployment_records_by_environment, deployment_records_by_logical_environment, deployment_records_by_status, deployment_records_by_kind,
  current_slots_by_time, current_slots_by_environment, current_slots_by_logical_environment;
CREATE INDEX deployment_records_by_environment ON deployment_records (organization_id, environment_id, created_at, id) INCLUDE (logical_environment_id, status, kind);
CREATE INDEX deployment_records_by_logical_environment ON deployment_records (organization_id, logical_environment_id, created_at, id) INCLUDE (status, kind);
CREATE INDEX deployment_records_by_status ON deployment_records (organization_id, status, created_at, id) INCLUDE (kind);
CREATE INDEX deployment_records_by_kind ON deployment_records (organization_id, kind, created_at, id) INCLUDE (status);
CREATE INDEX current_slots_by_time ON current_slots (organization_id, created_at, record_id) INCLUDE (status, kind);
CREATE INDEX current_slots_by_environment ON current_slots (organization_id, environment_id, created_at, record_id) INCLUDE (logical_environment_id, status, kind);
CREATE INDEX current_slots_by_logical_environment ON current_slots (organization_id, logical_environment_id, created_at, record_id) INCLUDE (status, kind);
ALTER TABLE deployment_records SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE current_slots SET (autovacuum_vacuum_scale_factor = 0.05);

-- What is stored already is one large change, to be folded as any other.
INSERT INTO list_changes (organization_id, latest, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, n)
SELECT organization_id, false, environment_id, logical_environment_id, deployment_name, status, kind, created_at, id, 1 FROM deployment_records
UNION ALL
SELECT organization_id, true, environment_id, logical_environment_id, deployment_name, status, kind, created_at, record_id, 1 FROM current_slots;
