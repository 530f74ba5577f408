package session

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// cancelDelay is the time for which a statement may continue after its context has ended. Most statements end within
	// it, and need no connection for a cancel request.
	cancelDelay = 10 * time.Millisecond
	// cancelTimeout is the time after which a session is closed whose statement the server does not end.
	cancelTimeout = time.Second
)

// canceller asks PostgreSQL to cancel a statement whose context has ended, and keeps the session. By default, pgx closes the
// session at once, while the server continues the statement.
//
// pgconn.CancelRequestContextWatcherHandler does the same, but abandons a request that the statement's own end overtakes. On a
// busy server such a request arrives late and cancels the next statement of the session, of another client.
type canceller struct {
	conn *pgconn.PgConn
	// ended is closed when the statement has ended.
	ended chan struct{}
	// requested receives the result of the cancel request.
	requested chan error
}

// HandleCancel implements ctxwatch.Handler. The context of a statement has ended.
func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(cancelTimeout)
	_ = c.conn.Conn().SetDeadline(deadline)
	c.ended, c.requested = make(chan struct{}), make(chan error, 1)
	go func() { c.requested <- c.request(deadline) }()
}

func (c *canceller) request(deadline time.Time) error {
	select {
	case <-c.ended:
		return nil
	case <-time.After(cancelDelay):
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	if err := c.conn.CancelRequest(ctx); err != nil {
		return err
	}
	return ctx.Err() // CancelRequest does not report that the server has not confirmed it
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler. The statement has ended. Once the server has confirmed a cancel request,
// it has no effect on later statements.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.ended)
	err := <-c.requested
	if c.conn.IsClosed() {
		return // pgx closes it in the background, by a deadline of its own
	}
	_ = c.conn.Conn().SetDeadline(time.Time{})
	if err != nil {
		c.conn.CustomData()[cancelPending] = true
	}
}

// cancelPending marks a session that a cancel request may still reach.
const cancelPending = "deployrecords: cancel pending"

func isCancelPending(conn *pgconn.PgConn) bool { return conn.CustomData()[cancelPending] != nil }
