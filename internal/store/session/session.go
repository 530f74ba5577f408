// Package session opens the sessions of a pool on PostgreSQL. A session has the settings that the statements of this program
// need, outlives the requests that are cancelled, and ends before another one takes its place.
package session

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
	"go.opentelemetry.io/otel/trace"

	"github.com/deployrecords/deployrecords/internal/store/spans"
)

// connectTimeout is the limit of one attempt to connect if the URL sets none.
const connectTimeout = 5 * time.Second

// Options configures sessions.
type Options struct {
	Timeouts Timeouts
	// PerTransaction makes each transaction set the settings for itself, as behind a pooler that lends a session of PostgreSQL
	// for one transaction. No state of a session is used then.
	PerTransaction bool
	// ReadOnly makes transactions that set the settings for themselves read-only. A standby rejects others.
	ReadOnly bool
	// Traces provides spans for the statements of requests that are traced; nil is none.
	Traces trace.TracerProvider
}

// Open returns a pool that never has more than limit sessions on the server. It does not connect yet.
func Open(config *pgx.ConnConfig, limit int, o Options) *sql.DB {
	c := &connector{sessions: make(chan struct{}, limit), readOnly: o.ReadOnly}
	afterConnect := disableTransactionTimeout
	if o.PerTransaction {
		c.transactionSettings = setInTransactions(config, o.Timeouts)
		afterConnect = func(context.Context, *pgx.Conn) error { return nil }
	} else {
		setAtStartup(config, o.Timeouts)
	}
	config.Tracer = spans.Postgres(o.Traces)
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }
	config.OnPgError = keepSession
	var caches statementCaches
	caches.watch(config)
	c.Connector = stdlib.GetConnector(*config,
		stdlib.OptionAfterConnect(afterConnect), stdlib.OptionShouldPing(neverPing),
		stdlib.OptionResetSession(caches.reset))
	return sql.OpenDB(c)
}

// connector opens sessions up to a limit. The limit of sql.DB alone is none for the server: sql.DB opens a session as soon as it
// has given up another one, while the server still works for that.
type connector struct {
	driver.Connector
	// transactionSettings is the statement that sets the settings of a transaction, or empty if the sessions have them.
	transactionSettings string
	readOnly            bool
	// sessions has an element for each session that the server may have.
	sessions chan struct{}
	// lastLoss is when a session was last found lost, in nanoseconds since 1970.
	lastLoss atomic.Int64
}

// Connect implements driver.Connector. An attempt whose context ends continues until it has a session to close: the server may
// have made one already.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c.sessions <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type attempt struct {
		conn *Conn
		err  error
	}
	attempts := make(chan attempt, 1)
	go func() {
		conn, err := c.Connector.Connect(context.WithoutCancel(ctx))
		if err != nil {
			c.release()
			attempts <- attempt{err: err}
			return
		}
		attempts <- attempt{conn: &Conn{Conn: conn.(*stdlib.Conn), connector: c, used: time.Now()}}
	}()
	select {
	case a := <-attempts:
		if a.err != nil {
			return nil, a.err
		}
		return a.conn, nil
	case <-ctx.Done():
		go func() {
			if a := <-attempts; a.err == nil {
				_ = a.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (c *connector) release() { <-c.sessions }

// neverPing leaves the test of a session to Conn.ResetSession.
func neverPing(context.Context, stdlib.ShouldPingParams) bool { return false }

// keepSession reports whether a session is of use after an error. The next session with the same URL may be with the primary, if
// this one is with a standby.
func keepSession(_ *pgconn.PgConn, err *pgconn.PgError) bool {
	const readOnly = "25006"
	return err.SeverityUnlocalized != "FATAL" && err.Code != readOnly
}
