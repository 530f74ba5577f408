package session

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"
)

// closeTimeout limits what continues although its request may have ended: the test of a session, and the end of a transaction
// or a session.
const closeTimeout = 5 * time.Second

// Conn is a session.
type Conn struct {
	*stdlib.Conn
	connector *connector
	// used is when a request last took the session.
	used time.Time
}

// ResetSession implements driver.SessionResetter. It tests a session that was not used for a second, and one that was last used
// before another session was lost: a server that restarts ends all of them. A request that ends during the test does not cost
// the session.
func (c *Conn) ResetSession(ctx context.Context) error {
	now, previous := time.Now(), c.used
	c.used = now
	if now.Sub(previous) > time.Second || c.connector.lastLoss.Load() > previous.UnixNano() {
		test, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if err := c.Ping(test); err != nil {
			return err
		}
	}
	return c.Conn.ResetSession(ctx)
}

// IsValid implements driver.Validator. With it, sql.DB keeps the session of a transaction that its context has cancelled.
func (c *Conn) IsValid() bool {
	conn := c.Conn.Conn().PgConn()
	return !conn.IsClosed() && !isCancelPending(conn)
}

// QueryContext implements driver.QueryerContext.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.needsTransaction() {
		return c.queryAlone(ctx, query, args)
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	return rows, c.unlessEnded(ctx, err)
}

// ExecContext implements driver.ExecerContext.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.needsTransaction() {
		return c.execAlone(ctx, query, args)
	}
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, c.unlessEnded(ctx, err)
}

// unlessEnded returns the error of a statement. pgx sends nothing for a context that has ended and reports driver.ErrBadConn,
// for which sql.DB would close this session and open another one.
func (c *Conn) unlessEnded(ctx context.Context, err error) error {
	if errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil && !c.Conn.Conn().IsClosed() {
		return ctx.Err()
	}
	return err
}

// BeginTx implements driver.ConnBeginTx.
func (c *Conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // pgx would close the session
	}
	begin := c.Conn.BeginTx
	if c.connector.transactionSettings != "" {
		begin = c.beginWithSettings
	}
	tx, err := begin(ctx, options)
	if err != nil {
		return nil, err
	}
	return transaction{tx, c, ctx}, nil
}

// Close ends the session. Another one takes its place once the server has closed its side, or after closeTimeout.
func (c *Conn) Close() error {
	conn := c.Conn.Conn().PgConn()
	if conn.IsClosed() {
		c.connector.lastLoss.Store(time.Now().UnixNano())
		go func() {
			defer c.connector.release()
			select {
			case <-conn.CleanupDone():
			case <-time.After(closeTimeout): // pgx would wait three times as long for a server whose network is lost
				_ = conn.Conn().Close()
			}
		}()
		return nil
	}
	_ = conn.Conn().SetDeadline(time.Now().Add(closeTimeout))
	conn.Frontend().Send(&pgproto3.Terminate{})
	_ = conn.Frontend().Flush() // fails if the session is lost
	go func() {
		defer c.connector.release()
		_, _ = io.Copy(io.Discard, conn.Conn())
		_ = c.Conn.Close()
	}()
	return nil
}

// transaction is pgx's transaction.
type transaction struct {
	driver.Tx
	conn *Conn
	ctx  context.Context //nolint:containedctx // driver.Tx has none
}

// Commit implements driver.Tx. A COMMIT that waits for a synchronous standby ends without an error if it is cancelled, although no
// standby has the transaction.
func (t transaction) Commit() error {
	if err := t.Tx.Commit(); err != nil {
		return err
	}
	return t.ctx.Err()
}

// Rollback implements driver.Tx. Its context is not the transaction's: pgx closes the session if it cannot roll back.
func (t transaction) Rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_, err := t.conn.Conn.Conn().Exec(ctx, "rollback")
	return err // sql.DB closes a session that is still in the transaction
}
