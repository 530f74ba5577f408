package database

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/session"
)

// Rows are the rows of a query: those of database/sql, or of pgx.
type Rows interface {
	Next() bool
	Scan(into ...any) error
}

// Read runs a query and lets read scan its rows until Next is false; read must not use the connection. Outside of a transaction, rows
// of PostgreSQL come from pgx itself: database/sql would convert each value twice, which took a tenth of the server's time for a
// listing.
func Read(ctx context.Context, db *gorm.DB, query string, values []any, read func(Rows) error) error {
	if DialectOf(db) == PostgreSQL {
		readPgx := func(rows pgx.Rows) error { return read(rows) }
		switch pool := db.Statement.ConnPool.(type) {
		case *sql.Conn:
			return session.Read(ctx, pool, query, values, readPgx)
		case *sql.DB:
			conn, err := pool.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			return session.Read(ctx, conn, query, values, readPgx)
		}
	}
	rows, err := db.Statement.ConnPool.QueryContext(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := read(rows); err != nil {
		return err
	}
	return rows.Err()
}
