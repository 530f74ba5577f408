package session_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Rows outside of a transaction come from pgx in PostgreSQL, on any connection and on a certain one.
func TestReadBypassesDatabaseSQL(t *testing.T) {
	storetest.ForEachDatabase(t, func(t *testing.T, db *database.DB) {
		read := func(tx *gorm.DB, bypasses bool) error {
			var text string
			var null *string
			err := session.Read(t.Context(), tx.Statement.ConnPool, "SELECT CAST('é' AS text), NULL", nil, func(rows session.Rows) error {
				if _, ok := rows.(pgx.Rows); ok != bypasses {
					t.Errorf("the rows are %T", rows)
				}
				for rows.Next() {
					if err := rows.Scan(&text, &null); err != nil {
						return err
					}
				}
				return nil
			})
			if text != "é" || null != nil {
				t.Errorf("got %q and %v", text, null)
			}
			return err
		}
		tx := db.WithContext(t.Context())
		isPostgreSQL := db.Dialect == database.PostgreSQL
		for where, err := range map[string]error{
			"the pool":      read(tx, isPostgreSQL),
			"a connection":  tx.Connection(func(tx *gorm.DB) error { return read(tx, isPostgreSQL) }),
			"a transaction": tx.Transaction(func(tx *gorm.DB) error { return read(tx, false) }),
		} {
			if err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
	})
}

func TestATimeThatIsInfiniteIsAnError(t *testing.T) {
	t.Parallel()
	db := storetest.OpenDatabase(t, storetest.PostgreSQL(t)).WithContext(t.Context())
	err := session.Read(t.Context(), db.Statement.ConnPool, "SELECT timestamptz '-infinity'", nil, func(rows session.Rows) error {
		rows.Next()
		return rows.Scan(new(database.Timestamp))
	})
	if err == nil {
		t.Error("read")
	}
}
