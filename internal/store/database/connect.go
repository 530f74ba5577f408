package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // the driver "sqlite", SQLite in pure Go

	"github.com/deployrecords/deployrecords/internal/store/databaseurl"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/store/spans"
	"github.com/deployrecords/deployrecords/internal/store/sqlitefile"
)

func openPool(o Options) (*sql.DB, *sqlitefile.File, Dialect, error) {
	if path, ok := strings.CutPrefix(o.URL, "sqlite://"); ok {
		if o.MustExist && isMissing(path) {
			return nil, nil, SQLite, fmt.Errorf("there is no database at %s", o.URL)
		}
		if directory := filepath.Dir(path); isMissing(directory) {
			return nil, nil, SQLite, fmt.Errorf("open the SQLite database %s: the directory %s does not exist", path, directory)
		}
		pool, file, err := openSQLite(path, o.Session.Traces)
		return pool, file, SQLite, err
	}
	config, err := databaseurl.ParsePostgres(o.URL)
	if err != nil {
		return nil, nil, PostgreSQL, err
	}
	return session.Open(config, o.MaxConnections, o.Session), nil, PostgreSQL, nil
}

// isMissing reports whether nothing has the path.
func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// maxIdleWAL is the size in bytes, 64 MiB, to which SQLite truncates its WAL file once its content is in the database. Otherwise
// the file would keep the size of the largest import.
const maxIdleWAL = "67108864"

func openSQLite(path string, provider trace.TracerProvider) (*sql.DB, *sqlitefile.File, error) {
	file, err := sqlitefile.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
	}
	// Settings are per connection, so they belong in the name by which each connection is opened.
	settings := url.Values{
		"_busy_timeout": {"10000"}, // milliseconds that a writer waits for another
		"_pragma":       {"journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)", "journal_size_limit(" + maxIdleWAL + ")"},
		// A transaction takes the write lock at its start, where it can still wait. One that began as a reader would
		// fail at its first write if another transaction wrote meanwhile.
		"_txlock": {"immediate"},
	}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: settings.Encode()}).String()
	pool := spans.OpenSQLite(file.Connector(name), provider)
	// If several programs create one file, SQLite allows one to switch to WAL and rejects the others at once, whatever
	// their busy timeout.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := pool.PingContext(context.Background())
		if err == nil {
			return pool, file, nil
		}
		if !isBusy(err) || time.Now().After(deadline) {
			_ = pool.Close()
			return nil, nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
		}
	}
}

// OpenMemory makes an empty SQLite database in memory that all connections of its pool share, and that Close discards.
//
// SQLite keeps the database as long as one connection is open, and the pool may close any of its own, after a cancelled
// request for example: a keeper connection stays open. The pool has one more connection, and requests take turns at it.
// With two, a reader would find the database busy while the other connection writes, and would sleep before it retries:
// a database in memory has no WAL.
func OpenMemory(ctx context.Context) (*DB, error) {
	settings := url.Values{
		"vfs": {"memdb"},
		// Large sorts would go to a temporary file.
		"_pragma": {"foreign_keys(1)", "temp_store(MEMORY)"},
		"_txlock": {"immediate"},
	}
	// The leading slash shares the name among the connections of this process; no other pool can guess it.
	pool, err := sql.Open("sqlite", "file:/"+rand.Text()+"?"+settings.Encode())
	if err != nil {
		return nil, err
	}
	keeper, err := pool.Conn(ctx)
	if err == nil {
		err = keeper.PingContext(ctx)
	}
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	pool.SetMaxOpenConns(2)
	pool.SetMaxIdleConns(2)
	db, err := newDB(pool, nil, SQLite)
	if err != nil {
		_ = keeper.Close()
		return nil, err
	}
	db.keeper = keeper
	return db, nil
}
