package session

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PostgreSQL rejects a prepared statement whose result has other types than before, as after a migration while a server runs:
// "cached plan must not change result type". The connections of a pool prepare statements one by one, so one error is a
// reason for all of them to prepare theirs again.

// StalePlan is the SQLSTATE of such a statement, feature_not_supported.
const StalePlan = "0A000"

// statementCaches discards the prepared statements of a pool's connections.
type statementCaches struct{ generation atomic.Int64 }

// watch makes errors of connections of the configuration discard the statements of all connections.
func (s *statementCaches) watch(config *pgx.ConnConfig) {
	next := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code == StalePlan {
			s.generation.Add(1)
		}
		return next(conn, err)
	}
}

// reset discards the statements of a connection that the pool lends again, if an error has occurred since the last time.
func (s *statementCaches) reset(ctx context.Context, conn *pgx.Conn) error {
	const key = "statements"
	data, generation := conn.PgConn().CustomData(), s.generation.Load()
	if generation == 0 || data[key] == generation {
		return nil
	}
	data[key] = generation
	return conn.DeallocateAll(ctx)
}
