package store

import (
	"encoding/json"
	"io/fs"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// engine is the kind of a database. What the two do differently is here, in the migrations and in databaseError.
type engine uint8

const (
	postgreSQL engine = iota
	sqLite
)

// migrations are the SQL files that make the schema.
func (e engine) migrations() fs.FS {
	return schema.Migrations(database.Dialect(e))
}

func (e engine) dialect() goose.Dialect {
	if e == sqLite {
		return goose.DialectSQLite3
	}
	return goose.DialectPostgres
}

// hasTable is the query whether a table named by the only argument exists, as one boolean.
func (e engine) hasTable() string {
	if e == sqLite {
		return "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)"
	}
	return "SELECT to_regclass($1) IS NOT NULL"
}

// oneOf is the condition that a column of text is one of the strings of its argument, which jsonList makes: one text
// of SQL for any number of values.
func (e engine) oneOf(column string) string {
	if e == sqLite {
		return column + " IN (SELECT value FROM json_each(?))"
	}
	return column + " IN (SELECT value FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS value)"
}

// oneOfIDs is oneOf for a column of UUIDs.
func (e engine) oneOfIDs(column string) string {
	if e == sqLite {
		return e.oneOf(column)
	}
	return column + " IN (SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS value)"
}

func jsonList(values []string) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return string(text)
}

// slotSet is a subquery of the slots of its argument, which jsonSlots makes: environment_id and deployment_name.
func (e engine) slotSet() string {
	if e == sqLite {
		return "(SELECT json_extract(value, '$[0]') AS environment_id, json_extract(value, '$[1]') AS deployment_name FROM json_each(?))"
	}
	return "(SELECT CAST(value->>0 AS uuid) AS environment_id, value->>1 AS deployment_name FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)"
}

func jsonSlots(slots []slotKey) string {
	pairs := make([][2]string, len(slots))
	for i, slot := range slots {
		pairs[i] = [2]string{slot.environmentID, slot.deploymentName}
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return string(text)
}

// place is a constant place, of a timestamp and an id as arguments: created_at and id.
func (e engine) place() string {
	if e == sqLite {
		return "CAST(? AS integer) AS created_at, CAST(? AS text) AS id"
	}
	return "CAST(? AS timestamptz) AS created_at, CAST(? AS uuid) AS id"
}

// value is what the driver takes for a value.
func (e engine) value(v any) any {
	t, ok := v.(timestamp)
	switch {
	case !ok:
		return v
	case e == sqLite:
		return t.UnixMicro()
	default:
		return t.Time
	}
}

// linkSet is a subquery of the links of its argument, which jsonLinks makes: project_version_id and artifact_id.
func (e engine) linkSet() string {
	if e == sqLite {
		return "(SELECT json_extract(value, '$[0]') AS project_version_id, json_extract(value, '$[1]') AS artifact_id FROM json_each(?))"
	}
	return "(SELECT CAST(value->>0 AS bigint) AS project_version_id, CAST(value->>1 AS uuid) AS artifact_id FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)"
}

func jsonLinks(links []projectVersionArtifactRow) string {
	pairs := make([][2]any, len(links))
	for i, link := range links {
		pairs[i] = [2]any{link.ProjectVersionID, link.ArtifactID}
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	return string(text)
}

// forShare ends a query of the alias's rows that nobody changes until the transaction ends; others may share that.
func (e engine) forShare(alias string) string {
	if e == sqLite {
		return "" // nobody else writes
	}
	return " FOR SHARE OF " + alias
}

// forChange ends a query of the alias's rows that nobody else changes or shares until the transaction ends. Unlike
// forUpdate, it is in nobody's way who refers to the rows.
func (e engine) forChange(alias string) string {
	if e == sqLite {
		return "" // nobody else writes
	}
	return " FOR NO KEY UPDATE OF " + alias
}

// forUpdate ends a query of the alias's rows that stay as they are until the transaction ends.
func (e engine) forUpdate(alias string) string {
	if e == sqLite {
		return "" // nobody else writes
	}
	return " FOR UPDATE OF " + alias
}

// holdCounts keeps others from folding the organization's changes until the transaction ends, which may take what it
// takes: a fold that is cut off would only begin again.
func (e engine) holdCounts(tx *gorm.DB, organizationID int64) error {
	if e == sqLite {
		return nil // nobody else writes
	}
	return tx.Exec("SELECT pg_advisory_xact_lock("+countsLock+"), set_config('statement_timeout', '0', true)", organizationID).Error
}

// tryHoldCounts is holdCounts, or false at once if another does it.
func (e engine) tryHoldCounts(tx *gorm.DB, organizationID int64) (held bool, err error) {
	if e == sqLite {
		return true, nil
	}
	err = tx.Raw("SELECT pg_try_advisory_xact_lock("+countsLock+") FROM (SELECT set_config('statement_timeout', '0', true)) AS unbounded", organizationID).Row().Scan(&held)
	return held, err
}

// noteApart lets what the transaction changes be noted where no list looks, and tells where: lists would read past all
// that a long import has noted and not committed. Who calls it folds it before it commits.
func (e engine) noteApart(tx *gorm.DB, organizationID int64) (apart int64, err error) {
	if e == sqLite {
		return organizationID, nil // lists read what is committed, and nothing else
	}
	return -organizationID, tx.Exec("SELECT set_config('deployrecords.changes_apart', 'on', true)").Error
}

// countsLock is the key of the lock, for an organization's id.
const countsLock = "hashtextextended('deployrecords: counts', ?)"
