// Package store keeps deployment records in PostgreSQL or SQLite, through GORM. It implements deployments.Store;
// tables, columns and SQL stay inside.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/semaphore"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // the driver "sqlite", SQLite in pure Go

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Options says which database to open and how to use it.
type Options struct {
	// URL is postgres://… (or postgresql://…), or sqlite:// and a file's path.
	URL string
	// MaxConnections bounds the pool; 0 is DefaultMaxConnections.
	MaxConnections int
	// MaxConcurrentLists bounds how many lists are read at once whose totals are kept, and is no more than MaxConnections; 0 leaves it
	// to where the database is (see listsAtOnce).
	MaxConcurrentLists int
	// StatementTimeout ends a statement that PostgreSQL still works on when its client is gone or has given up;
	// 0 is none. SQLite runs inside this process and follows the context alone.
	StatementTimeout time.Duration
}

// DefaultMaxConnections is the size of a pool for which none is set.
const DefaultMaxConnections = 10

// Store is a deployments.Store over a database.
type Store struct {
	db     *gorm.DB
	lists  *gorm.DB // db with the statements of List prepared
	pool   *sql.DB
	engine engine
	names  *names
	// reading has maxLists places, one for each list that is read. Who waits for one gets it in turn.
	reading  *semaphore.Weighted
	maxLists int
	// writer has one place: SQLite lets one write, and of many that wait it would let any go first, or none in time.
	writer chan struct{}
	// spacing is milestoneSpacing, or less in tests, whose lists are short.
	spacing      int64
	importLimits importLimits
	// ownClock, if not nil, is read instead of the database's: tests need to know the time.
	ownClock func() time.Time
	// newID makes the ids of what is recorded or imported without one.
	newID func() string
	// keeper, if not nil, is the connection that keeps a database in memory alive.
	keeper *sql.Conn
}

var _ deployments.Store = (*Store)(nil)

// Open prepares a pool of connections. It does not connect to PostgreSQL yet: Ready tells whether that works. Its
// errors are about the URL (or, with SQLite, the file) and never show a password.
func Open(o Options) (*Store, error) {
	pool, engine, err := openPool(o)
	if err != nil {
		return nil, err
	}
	connections := pool.Stats().MaxOpenConnections
	if o.MaxConcurrentLists == 0 {
		o.MaxConcurrentLists = listsAtOnce(o.URL, connections)
	}
	return openOn(pool, engine, min(o.MaxConcurrentLists, connections))
}

// openOn makes a store of a pool, which is closed if that fails.
func openOn(pool *sql.DB, engine engine, maxLists int) (*Store, error) {
	var dialector gorm.Dialector
	if engine == postgreSQL {
		dialector = postgres.New(postgres.Config{Conn: pool})
	} else {
		dialector = sqlite.New(sqlite.Config{Conn: pool})
	}
	db, err := gorm.Open(dialector, &gorm.Config{
		// What went wrong is told by the error that is returned; GORM's own log would print SQL and values.
		Logger: logger.Discard,
		// Each write here opens the one transaction that it needs.
		SkipDefaultTransaction: true,
		// A server starts before its database and waits for it.
		DisableAutomaticPing: true,
		// There are as many texts of lists as sets of filters and page sizes; each that is kept costs memory.
		PrepareStmtMaxSize: 256,
	})
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	lists := db
	if engine == sqLite {
		// pgx keeps prepared statements itself; SQLite's driver does not.
		lists = db.Session(&gorm.Session{PrepareStmt: true})
	}
	return &Store{
		db: db, lists: lists, pool: pool, engine: engine, names: newNames(maxNames),
		reading: semaphore.NewWeighted(int64(maxLists)), maxLists: maxLists, writer: make(chan struct{}, 1),
		spacing: milestoneSpacing, importLimits: defaultImportLimits, newID: uuid.NewString,
	}, nil
}

// Close waits for what is running and closes the connections.
func (s *Store) Close() error {
	if stmts, ok := s.lists.ConnPool.(*gorm.PreparedStmtDB); ok {
		stmts.Close()
	}
	if s.keeper != nil {
		_ = s.keeper.Close()
	}
	return s.pool.Close()
}

// write runs a transaction that writes.
func (s *Store) write(ctx context.Context, do func(tx *gorm.DB) error) error {
	return s.inTurn(ctx, func() error { return s.db.WithContext(ctx).Transaction(do) })
}

// writeOnOne is write that also gives the connection of the transaction, for what only its driver can do.
func (s *Store) writeOnOne(ctx context.Context, do func(conn *sql.Conn, tx *gorm.DB) error) error {
	return s.inTurn(ctx, func() error {
		return s.db.WithContext(ctx).Connection(func(db *gorm.DB) error {
			conn := db.Statement.ConnPool.(*sql.Conn)
			return db.Transaction(func(tx *gorm.DB) error { return do(conn, tx) })
		})
	})
}

// inTurn waits until this process may write.
func (s *Store) inTurn(ctx context.Context, do func() error) error {
	if s.engine == sqLite {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return do()
}

// Ready tells whether the database can be reached and has the schema that this program works with. The error is
// deployments.ErrUnavailable or a *SchemaError.
func (s *Store) Ready(ctx context.Context) error {
	have, err := schemaVersion(ctx, s.pool, s.engine)
	if err != nil {
		return databaseError(ctx, err)
	}
	return checkSchema(have, s.engine)
}

// CheckURL says what is wrong with a database URL, without opening anything and without showing a password.
func CheckURL(databaseURL string) error {
	switch scheme, rest, _ := strings.Cut(databaseURL, "://"); scheme {
	case "postgres", "postgresql":
		_, err := parsePostgres(databaseURL)
		return err
	case "sqlite":
		if rest == ":memory:" || strings.HasPrefix(rest, "file:") {
			return errors.New("the database URL must name a plain file: each connection to :memory: would have a database of its own")
		}
		if rest == "" {
			return errors.New("the database URL names no file: write sqlite://relative.db or sqlite:///absolute.db")
		}
		return nil
	default:
		return errors.New("the database URL begins with neither postgres:// nor sqlite://")
	}
}

func parsePostgres(databaseURL string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		// pgx hides the password in what it says, except where it cannot find it; so nothing of it is shown.
		return nil, errors.New("the database URL is not of the form postgres://user:password@host:port/database?sslmode=…")
	}
	return config, nil
}

func openPool(o Options) (*sql.DB, engine, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, 0, err
	}
	var (
		pool   *sql.DB
		engine engine
	)
	if path, ok := strings.CutPrefix(o.URL, "sqlite://"); ok {
		engine = sqLite
		var err error
		if pool, err = openSQLite(path); err != nil {
			return nil, 0, err
		}
	} else {
		config, err := parsePostgres(o.URL)
		if err != nil {
			return nil, 0, err
		}
		pool = openPostgres(config, o.StatementTimeout)
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	// Long enough to cost nothing, short enough to follow a failover that moved the address.
	pool.SetConnMaxLifetime(30 * time.Minute)
	return pool, engine, nil
}

func openPostgres(config *pgx.ConnConfig, statementTimeout time.Duration) *sql.DB {
	set := func(name, value string) {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	set("application_name", "deployrecords")
	// With a parameter in OFFSET, PostgreSQL would plan the statement again each time it runs.
	set("plan_cache_mode", "force_generic_plan")
	// Every question has an index. A plan that was made while a table was empty would read all of it when it no longer
	// is, list_changes before all, which is filled and emptied all the time.
	set("enable_seqscan", "off")
	// Compiling a plan takes longer than the small statements here ever run.
	set("jit", "off")
	if statementTimeout > 0 {
		set("statement_timeout", strconv.FormatInt(statementTimeout.Milliseconds(), 10))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	return stdlib.OpenDB(*config)
}

func openSQLite(path string) (*sql.DB, error) {
	// Settings are per connection, so they belong into the name that each connection is opened with.
	settings := url.Values{
		"_busy_timeout": {"10000"}, // milliseconds that a writer waits for another
		"_pragma":       {"journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)"},
		// A transaction here is a writer: it takes its turn at its start, where it can still wait. One that began
		// as a reader would fail at its first write if another wrote meanwhile.
		"_txlock": {"immediate"},
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
	}
	// Of several programs that make one new file, SQLite lets one switch to WAL and refuses the others at once,
	// whatever their busy timeout.
	for giveUp := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := pool.Ping()
		if err == nil {
			return pool, nil
		}
		if !isBusy(err) || time.Now().After(giveUp) {
			_ = pool.Close()
			return nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
		}
	}
}
