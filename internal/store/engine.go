package store

import (
	"encoding/json"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// engine is the kind of a database, for the listing.
type engine uint8

const (
	postgreSQL = engine(database.PostgreSQL)
	sqLite     = engine(database.SQLite)
)

type timestamp = database.Timestamp

// oneOfIDs is the condition that a column of UUIDs is one of the strings of its argument, which jsonList makes.
func (e engine) oneOfIDs(column string) string {
	if e == sqLite {
		return column + " IN (SELECT value FROM json_each(?))"
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

// place is a constant place, of a timestamp and an id as arguments: created_at and id.
func (e engine) place() string {
	if e == sqLite {
		return "CAST(? AS integer) AS created_at, CAST(? AS text) AS id"
	}
	return "CAST(? AS timestamptz) AS created_at, CAST(? AS uuid) AS id"
}

// value is what the driver takes for a value.
func (e engine) value(v any) any { return database.Dialect(e).Value(v) }
