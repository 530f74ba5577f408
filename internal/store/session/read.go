package session

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Querier is a pool, a connection of one, or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, values ...any) (*sql.Rows, error)
}

// Rows are the rows of a query: those of database/sql, or of pgx.
type Rows interface {
	Next() bool
	Scan(into ...any) error
}

// Read runs a query and lets read scan its rows until Next is false; read must not use the connection. On a pool of Open or a
// connection of one, the rows come from pgx itself: database/sql would convert each value twice, which took a tenth of the server's
// time for a listing.
func Read(ctx context.Context, db Querier, query string, values []any, read func(Rows) error) error {
	switch db := db.(type) {
	case *sql.DB:
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		return Read(ctx, conn, query, values, read)
	case *sql.Conn:
		isOurs := false
		err := db.Raw(func(raw any) (err error) {
			var conn *Conn
			if conn, isOurs = raw.(*Conn); isOurs {
				err = conn.read(ctx, query, values, read)
			}
			return err
		})
		if isOurs || err != nil {
			return err
		}
	}
	rows, err := db.QueryContext(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := read(rows); err != nil {
		return err
	}
	return rows.Err()
}

func (c *Conn) read(ctx context.Context, query string, values []any, read func(Rows) error) error {
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
func (c *Conn) readAlone(ctx context.Context, query string, values []any, read func(Rows) error) error {
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
