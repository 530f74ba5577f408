package schema

import (
	_ "embed"
	"strings"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

//go:embed grants.sql
var grants string

// Grant gives a role of PostgreSQL the rights that a server needs. The schema must have this program's version, and the
// transaction's role must own it.
func Grant(tx *gorm.DB, role string) error {
	// Two programs that grant rights on a table at the same time make one of them fail.
	if err := tx.Exec("LOCK TABLE goose_db_version IN SHARE ROW EXCLUSIVE MODE").Error; err != nil {
		return err
	}
	var current string
	if err := tx.Raw("SELECT current_schema()").Scan(&current).Error; err != nil {
		return err
	}
	names := strings.NewReplacer("deployrecords_server", pgx.Identifier{role}.Sanitize(), "SCHEMA public", "SCHEMA "+pgx.Identifier{current}.Sanitize())
	return tx.Exec(names.Replace(grants)).Error
}
