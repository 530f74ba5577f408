package store

import (
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// engine is the kind of a database. What the two do differently is here, in the migrations and in databaseError.
type engine uint8

const (
	postgreSQL engine = iota
	sqLite
)

//go:embed migrations
var migrationFiles embed.FS

// migrations are the SQL files that make the schema.
func (e engine) migrations() fs.FS {
	name := "postgres"
	if e == sqLite {
		name = "sqlite"
	}
	sub, err := fs.Sub(migrationFiles, "migrations/"+name)
	if err != nil {
		panic(err) // the path is a constant and embedded
	}
	return sub
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
