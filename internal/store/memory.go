package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"time"
)

// MemoryOptions say what of a store in memory is fixed, so that tests can tell its answers beforehand.
type MemoryOptions struct {
	// Now is the clock by which records are stamped and idempotency keys expire, cut to microseconds (R2). Nil:
	// time.Now.
	Now func() time.Time
	// NewID makes the ids, canonical UUIDs, of whatever is made without one. One writer at a time calls it. Nil:
	// random ids.
	NewID func() string
}

// OpenMemory makes an empty SQLite database in memory, with the schema of this program, and opens a store on it.
// Each call makes a database of its own; nothing is written to disk, and Close forgets it all.
func OpenMemory(ctx context.Context, o MemoryOptions) (*Store, error) {
	pool, keeper, err := openMemoryPool(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	s, err := openOn(pool, sqLite, 1)
	if err != nil {
		_ = keeper.Close()
		return nil, err
	}
	s.keeper = keeper
	if _, err := migratePool(ctx, pool, sqLite); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("prepare a database in memory: %w", err)
	}
	if o.Now != nil {
		s.ownClock = func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }
	}
	if o.NewID != nil {
		s.newID = o.NewID
	}
	return s, nil
}

// openMemoryPool opens a database that all connections of this one pool share. SQLite keeps it as long as one of them
// is open, and the pool may close any of its own (after a cancelled request, say): the keeper stays.
//
// Beside the keeper there is one connection, and requests take turns at it. With more, a reader that comes while
// another connection writes would be told that the database is busy, and would sleep before it asks again; a database
// in memory has no WAL.
func openMemoryPool(ctx context.Context) (*sql.DB, *sql.Conn, error) {
	settings := url.Values{
		"vfs": {"memdb"},
		// Large sorts would go to a temporary file.
		"_pragma": {"foreign_keys(1)", "temp_store(MEMORY)"},
		"_txlock": {"immediate"},
	}
	// The slash makes the name one that connections of this process share; nobody else can guess it.
	pool, err := sql.Open("sqlite", "file:/"+rand.Text()+"?"+settings.Encode())
	if err != nil {
		return nil, nil, err
	}
	keeper, err := pool.Conn(ctx)
	if err == nil {
		err = keeper.PingContext(ctx)
	}
	if err != nil {
		_ = pool.Close()
		return nil, nil, err
	}
	pool.SetMaxOpenConns(2)
	pool.SetMaxIdleConns(2)
	return pool, keeper, nil
}
