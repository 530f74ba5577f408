package replicas

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// primaryTimeout is how long a session of the primary may take to return its position.
	primaryTimeout = 3 * time.Second
	// primarySessions leaves room for a session that replaces a lost one, which counts until it is closed.
	primarySessions = 2
)

var (
	// errNoPrimary reports that no primary can be reached.
	errNoPrimary = errors.New("no primary can be reached")
	// errNoSession reports that no session could be opened.
	errNoSession = errors.New("cannot connect")
)

// position is a place in the WAL of a primary.
type position struct {
	lsn      string
	timeline int32
}

// primary reads the position of the primary.
type primary struct {
	db *database.DB // a pool that uses one connection at a time, which no other work keeps busy
	// background ends when the Set is closed, and readings waits for what runs then.
	background context.Context
	readings   sync.WaitGroup
	// lost is set when no primary can be reached, until one returns its position. changed is called after each change.
	lost    atomic.Bool
	changed func(cause error)

	mu sync.Mutex
	// next is the reading that has not begun yet, or nil.
	next *reading
	// running is held by the reading that runs.
	running sync.Mutex
}

// reading is one reading of the position, for all reads that began before it.
type reading struct {
	done     chan struct{}
	position position
	err      error
}

// position returns a position that was read after the call began. It returns errNoPrimary only if an attempt to connect that
// began after the call has failed: any other error may be of a primary that acknowledges writes. Concurrent calls share a reading.
func (p *primary) position(ctx context.Context) (position, error) {
	r := p.join()
	select {
	case <-r.done:
		return r.position, r.err
	case <-ctx.Done():
		return position{}, ctx.Err()
	}
}

// join returns the next reading, and starts it if there is none.
func (p *primary) join() *reading {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		r := &reading{done: make(chan struct{})}
		p.next = r
		p.readings.Go(func() { p.run(r) })
	}
	return p.next
}

// run runs a reading when the one before has ended.
func (p *primary) run(r *reading) {
	p.running.Lock()
	defer p.running.Unlock()
	p.mu.Lock()
	p.next = nil // a call that begins from now on needs a later position
	p.mu.Unlock()
	defer close(r.done)
	r.position, r.err = p.read()
	if r.err != nil && !errors.Is(r.err, errNoSession) {
		r.position, r.err = p.read() // the connection may be lost or to a former primary
	}
	lost := isUnreachable(r.err)
	if (lost || r.err == nil) && p.background.Err() == nil && p.lost.Swap(lost) != lost {
		p.changed(r.err)
	}
	if lost {
		r.err = errNoPrimary
	}
}

// readPosition returns the end of the WAL on the primary's disk, its timeline, and whether the WAL must be completed. It is
// incomplete if it ends with a page, most probably inside a record of a large transaction, which no standby can replay yet. With
// synchronous_commit=off, commits are acknowledged that are not on the disk. On a standby it returns NULL.
const readPosition = `SELECT CAST(lsn AS text), CAST(CAST('x' || left(pg_walfile_name(lsn), 8) AS bit(32)) AS integer),
  (lsn - CAST('0/0' AS pg_lsn)) % CAST(current_setting('wal_block_size') AS integer) = 0 OR current_setting('synchronous_commit') = 'off'
FROM (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END AS lsn) AS ends`

// completeWAL writes a record without effect and flushes the WAL up to it, which takes one write to the disk. It returns the
// position of the record. The commit waits for no synchronous standby.
const completeWAL = `SELECT CAST(pg_logical_emit_message(true, 'deployrecords', '') AS text), set_config('synchronous_commit', 'local', true)`

// errInRecovery reports that the connection is to a standby.
var errInRecovery = errors.New("the database is a standby")

// read reads the position, and drops a connection to a standby. To connect has no deadline here, because its end would not
// show whether the primary or this server is late. The session limits the test of a connection, the end of a lost one and each
// attempt to connect.
func (p *primary) read() (position, error) {
	conn, err := p.db.Pool.Conn(p.background)
	if err != nil {
		return position{}, fmt.Errorf("%w: %w", errNoSession, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(p.background, primaryTimeout)
	defer cancel()
	var lsn sql.Null[string]
	var timeline sql.Null[int32]
	var incomplete sql.Null[bool]
	if err := conn.QueryRowContext(ctx, readPosition).Scan(&lsn, &timeline, &incomplete); err != nil {
		return position{}, err
	}
	if !lsn.Valid {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // removes the connection from the pool
		return position{}, errInRecovery
	}
	if incomplete.V {
		var setting string
		if err := conn.QueryRowContext(ctx, completeWAL).Scan(&lsn, &setting); err != nil {
			return position{}, err
		}
	}
	return position{lsn.V, timeline.V}, nil
}

// isUnreachable reports whether an error of reading the position means that there is no primary. A lost connection does not: the
// next one may succeed. An answer of PostgreSQL about something else, such as too many connections, is of a primary.
func isUnreachable(err error) bool {
	if !errors.Is(err, errNoSession) {
		return errors.Is(err, errInRecovery)
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || strings.HasPrefix(pgErr.Code, "57P0") || strings.HasPrefix(pgErr.Code, "08")
}
