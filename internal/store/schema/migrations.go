package schema

import (
	"embed"
	"io/fs"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/migration"
)

//go:embed migrations
var migrationFiles embed.FS

// Migrations returns the SQL files that create the schema.
func Migrations(dialect database.Dialect) fs.FS {
	folder := "migrations/postgres"
	if dialect == database.SQLite {
		folder = "migrations/sqlite"
	}
	files, err := fs.Sub(migrationFiles, folder)
	if err != nil {
		panic(err) // the path is a constant and embedded
	}
	return files
}

// Migrator returns the migrator of this program's schema.
func Migrator(db *database.DB) *migration.Migrator { return migration.New(db, Migrations(db.Dialect)) }
