package session

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A pooler such as PgBouncer lends a session of PostgreSQL for one transaction. So nothing may outlive a transaction: each one
// begins with its settings, a statement outside of one gets one, and no statement is prepared by name.

// poolerParameters are the parameters of the startup message that poolers accept and keep for each client.
var poolerParameters = []string{"application_name", "client_encoding", "options"}

// setInTransactions moves the settings of the connections from the startup message to the transactions, and returns the
// statement that sets them.
func setInTransactions(config *pgx.ConnConfig, t Timeouts) (set string) {
	settings := maps.Clone(config.RuntimeParams)
	maps.DeleteFunc(settings, func(name, _ string) bool { return slices.Contains(poolerParameters, strings.ToLower(name)) })
	maps.DeleteFunc(config.RuntimeParams, func(name, _ string) bool { _, moved := settings[name]; return moved })
	for _, s := range preferredSettings() {
		switch {
		case slices.Contains(poolerParameters, s.name):
			if !hasParameter(config.RuntimeParams, s.name) {
				config.RuntimeParams[s.name] = s.value
			}
		case !hasParameter(settings, s.name):
			settings[s.name] = s.value
		}
	}
	for _, s := range requiredSettings(t) {
		setParameter(settings, s)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	return selectSettings(settings)
}

// selectSettings returns a statement that sets parameters until the end of the transaction. PostgreSQL has transaction_timeout
// since version 17.
func selectSettings(settings map[string]string) string {
	quote := func(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
	set := []string{"CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL THEN set_config('transaction_timeout', '0', true) END"}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		set = append(set, "set_config("+quote(name)+", "+quote(settings[name])+", true)")
	}
	return "SELECT " + strings.Join(set, ", ")
}

// beginWithSettings begins a transaction in one round trip.
func (c *Conn) beginWithSettings(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	isolation := "READ COMMITTED"
	if level := sql.IsolationLevel(options.Isolation); level != sql.LevelDefault {
		isolation = strings.ToUpper(level.String())
	}
	access := "READ WRITE"
	if options.ReadOnly || c.connector.readOnly {
		access = "READ ONLY"
	}
	begin := "BEGIN ISOLATION LEVEL " + isolation + " " + access + " NOT DEFERRABLE; " + c.connector.transactionSettings
	tx, err := c.Conn.Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return nil, err
	}
	return pgxTransaction{tx, ctx}, nil
}

// pgxTransaction is a driver.Tx.
type pgxTransaction struct {
	pgx.Tx
	ctx context.Context //nolint:containedctx // driver.Tx has none
}

func (t pgxTransaction) Commit() error   { return t.Tx.Commit(t.ctx) }
func (t pgxTransaction) Rollback() error { return t.Tx.Rollback(t.ctx) }

// needsTransaction reports whether a statement would run outside of a transaction, and without the settings.
func (c *Conn) needsTransaction() bool {
	return c.connector.transactionSettings != "" && c.Conn.Conn().PgConn().TxStatus() == 'I'
}

// execAlone executes a statement in a transaction of its own.
func (c *Conn) execAlone(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	result, err := c.ExecContext(ctx, query, args)
	if err == nil {
		err = ctx.Err() // a COMMIT whose context has ended would cost the session
	}
	if err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return result, tx.Commit()
}

// queryAlone runs a query in a transaction of its own.
func (c *Conn) queryAlone(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	rows, err := c.QueryContext(ctx, query, args)
	if err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return &rowsAlone{Rows: rows.(*stdlib.Rows), ctx: ctx, tx: tx}, nil
}

// rowsAlone are the rows of a query in a transaction of its own, which ends with them.
type rowsAlone struct {
	*stdlib.Rows
	ctx context.Context //nolint:containedctx // driver.Rows has none
	tx  driver.Tx       // nil once it has ended
}

// Next implements driver.Rows. sql.Rows ignores the error of the Close that follows io.EOF.
func (r *rowsAlone) Next(row []driver.Value) error {
	err := r.Rows.Next(row)
	if errors.Is(err, io.EOF) {
		if err := r.Close(); err != nil {
			return err
		}
	}
	return err
}

// Close implements driver.Rows.
func (r *rowsAlone) Close() error {
	err := r.Rows.Close()
	if r.tx == nil {
		return err
	}
	tx := r.tx
	r.tx = nil
	if err == nil {
		err = r.ctx.Err() // a COMMIT whose context has ended would cost the session
	}
	if err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
