package replicas

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// checkTimeout is how long a standby may take to return its state, in addition to the lag.
const checkTimeout = 2 * time.Second

// standby is one address of the replica URL.
type standby struct {
	host  string
	db    *database.DB
	state atomic.Int32
	// probed is the time of the last probe, in nanoseconds since 1970.
	probed atomic.Int64
}

// The states of a standby.
const (
	inUse int32 = iota
	// A standby is lagging after it has not replayed a position in time. Reads do not wait for it.
	lagging
	// A standby is failing after any other failure. It gets no reads.
	failing
)

// stateNames are the states for monitoring.
var stateNames = [...]string{inUse: "in_use", lagging: "lagging", failing: "failing"}

// The reasons for which a standby does not answer.
var (
	errBehind     = errors.New("has not replayed what the primary has committed")
	errNotStandby = errors.New("is not a standby")
)

// read runs a read on a connection that has replayed the position. It waits for the replay until the deadline.
func (s *standby) read(ctx context.Context, p position, deadline time.Time, read func(tx *gorm.DB) error) error {
	return s.db.WithContext(ctx).Connection(func(tx *gorm.DB) error {
		if err := awaitReplay(ctx, tx, p, deadline); err != nil {
			return err
		}
		return read(tx)
	})
}

// awaitReplay returns nil once the connection's standby has replayed the position, and errBehind after the deadline. Any
// standby has replayed the zero position.
func awaitReplay(ctx context.Context, tx *gorm.DB, p position, deadline time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout+max(time.Until(deadline), 0))
	defer cancel()
	for pause := 500 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		err := check(ctx, tx, p)
		if !errors.Is(err, errBehind) || time.Now().Add(pause).After(deadline) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readState returns whether the database is a standby, whether it has replayed a position, and the latest timeline that its
// control file has.
const readState = `SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() >= CAST($1 AS pg_lsn), false),
  greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()))`

// check returns nil if the connection's standby has replayed the position.
func check(ctx context.Context, tx *gorm.DB, p position) error {
	lsn := p.lsn
	if lsn == "" {
		lsn = "0/0"
	}
	var inRecovery, replayed bool
	var timeline int32
	if err := tx.Statement.ConnPool.QueryRowContext(ctx, readState, lsn).Scan(&inRecovery, &replayed, &timeline); err != nil {
		return err
	}
	switch {
	case !inRecovery:
		return errNotStandby
	case p == (position{}):
		return nil
	case timeline != p.timeline:
		return fmt.Errorf("is on timeline %d, and the primary is on timeline %d", timeline, p.timeline)
	case !replayed:
		return errBehind
	}
	return nil
}
