package session

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
)

// Read runs a query and lets read scan its rows until Next is false. They come from pgx without the conversions of
// database/sql. The connection is from a pool of Open.
func Read(ctx context.Context, conn *sql.Conn, query string, values []any, read func(pgx.Rows) error) error {
	return conn.Raw(func(raw any) error { return raw.(*Conn).read(ctx, query, values, read) })
}

func (c *Conn) read(ctx context.Context, query string, values []any, read func(pgx.Rows) error) error {
	if c.needsTransaction() {
		return c.readAlone(ctx, query, values, read)
	}
	rows, err := c.Conn.Conn().Query(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := read(rows); err != nil {
		return err
	}
	rows.Close() // of rows that read has left, only Close finds an error
	return rows.Err()
}

// readAlone reads in a transaction of its own.
func (c *Conn) readAlone(ctx context.Context, query string, values []any, read func(pgx.Rows) error) error {
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return err
	}
	err = c.read(ctx, query, values, read)
	if err == nil {
		err = ctx.Err() // a COMMIT whose context has ended would cost the session
	}
	if err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
