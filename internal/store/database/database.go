// Package database opens PostgreSQL and SQLite through GORM and hides their differences: connections, transactions,
// times, lists of values and errors. It is independent of the tables.
package database

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/deployrecords/deployrecords/internal/store/databaseurl"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/store/sqlitefile"
)

// Options selects a database and configures its connections.
type Options struct {
	// URL is postgres://… (or postgresql://…), or sqlite:// and the path of a file.
	URL string
	// MaxConnections is the size of the pool; 0 is DefaultMaxConnections.
	MaxConnections int
	// Session applies to each session of PostgreSQL. SQLite runs inside this process, and has only its traces.
	Session session.Options
	// MustExist rejects a missing SQLite file, which is created otherwise.
	MustExist bool
}

// DefaultMaxConnections is the pool size when Options sets none.
const DefaultMaxConnections = 20

// DB is a pool of connections to one database, with GORM on top.
type DB struct {
	Dialect Dialect
	// Pool is the pool below GORM.
	Pool *sql.DB
	gorm *gorm.DB
	// file is that of SQLite, otherwise nil.
	file *sqlitefile.File
	// prepared is gorm with a cache of prepared statements.
	prepared *gorm.DB
	// writeLock is a mutex that a context can give up on. SQLite admits one writer; left to itself it would admit
	// waiting writers in any order, and some of them never in time.
	writeLock chan struct{}
	// keeper, if not nil, is the connection that keeps a database in memory alive.
	keeper *sql.Conn
}

// Open prepares a pool of connections. It does not connect to PostgreSQL yet. Its errors are about the URL (or the
// SQLite file) and never contain a password.
func Open(o Options) (*DB, error) {
	if err := databaseurl.Check(o.URL); err != nil {
		return nil, fmt.Errorf("the database URL %w", err)
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	pool, file, dialect, err := openPool(o)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	// Long enough to cost nothing, short enough to follow a failover that moved the address.
	pool.SetConnMaxLifetime(30 * time.Minute)
	return newDB(pool, file, dialect)
}

// newDB opens GORM on the pool, and closes the pool if that fails.
func newDB(pool *sql.DB, file *sqlitefile.File, dialect Dialect) (*DB, error) {
	dialector := postgres.New(postgres.Config{Conn: pool})
	if dialect == SQLite {
		dialector = sqlite.New(sqlite.Config{Conn: pool})
	}
	db, err := gorm.Open(dialector, &gorm.Config{
		// Errors are returned; GORM's own log would print SQL and values.
		Logger: logger.Discard,
		// Each write opens the one transaction that it needs.
		SkipDefaultTransaction: true,
		// A server starts before its database and waits for it.
		DisableAutomaticPing: true,
		// Statements name their columns, so that a column that a migration adds does not change their results.
		QueryFields: true,
		// A listing has a statement for each set of filters and page size; each cached one costs memory.
		PrepareStmtMaxSize: 256,
		// With any other time, GORM starts a goroutine that removes expired statements, and never ends it.
		PrepareStmtTTL: 10 * 365 * 24 * time.Hour,
	})
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	prepared := db
	if dialect == SQLite {
		// pgx caches prepared statements itself; SQLite's driver does not.
		prepared = db.Session(&gorm.Session{PrepareStmt: true})
	}
	return &DB{Dialect: dialect, Pool: pool, gorm: db, file: file, prepared: prepared, writeLock: make(chan struct{}, 1)}, nil
}

// File is the file of an SQLite database, or nil.
func (d *DB) File() *sqlitefile.File { return d.file }

// WithContext returns a GORM session whose statements end with ctx.
func (d *DB) WithContext(ctx context.Context) *gorm.DB { return d.gorm.WithContext(ctx) }

// Prepared is WithContext with a cache of prepared statements, for statements whose texts recur.
func (d *DB) Prepared(ctx context.Context) *gorm.DB { return d.prepared.WithContext(ctx) }

// Close waits for running statements and closes the connections.
func (d *DB) Close() error {
	if stmts, ok := d.prepared.ConnPool.(*gorm.PreparedStmtDB); ok {
		stmts.Close()
	}
	if d.keeper != nil {
		_ = d.keeper.Close()
	}
	return d.Pool.Close()
}
