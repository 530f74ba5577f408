package session

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
)

// Copy inserts rows into a table by COPY, which bypasses the parameters, the parser and the planner of an INSERT. The connection
// is from a pool of Open.
func Copy(ctx context.Context, conn *sql.Conn, table string, columns []string, rows int, values func(row int) ([]any, error)) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*Conn).Conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(rows, values))
		return err
	})
}
