package replicas

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/databaseurl"
	"github.com/deployrecords/deployrecords/internal/store/session"
)

// DefaultMaxLag is the lag when Options sets none.
const DefaultMaxLag = 50 * time.Millisecond

// probeInterval is the time between two probes of a standby that does not answer.
const probeInterval = time.Second

// probeTimeout limits a probe, which first needs the position of the primary.
const probeTimeout = 10 * time.Second

// Options configures a Set.
type Options struct {
	// PrimaryURL and URL are URLs of PostgreSQL. URL has one or more hosts, and each of them is a standby or a balancer of
	// standbys.
	PrimaryURL, URL string
	// MaxConnections is the size of the pool of each standby; 0 is database.DefaultMaxConnections.
	MaxConnections int
	Session        session.Options
	// MaxLag is how long a read waits for a standby to replay the position of the primary; 0 is DefaultMaxLag.
	MaxLag time.Duration
	// Logger gets a line when a standby or the primary is lost or back.
	Logger *slog.Logger
}

// Set is the standbys of a primary. It is safe for concurrent use.
type Set struct {
	primary  primary
	standbys []*standby
	maxLag   time.Duration
	logger   *slog.Logger
	turn     atomic.Uint32 // selects the first standby of each read
	probes   sync.WaitGroup
	stop     context.CancelFunc
}

// CheckURL validates a replica URL without opening anything. Its errors are predicates and never contain a password.
func CheckURL(replicaURL string) error {
	if strings.HasPrefix(replicaURL, "sqlite:") {
		return errors.New("is a URL of SQLite, which has no standbys: write postgres://…")
	}
	return databaseurl.Check(replicaURL)
}

// Open prepares the connections. It does not connect yet.
func Open(o Options) (*Set, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, fmt.Errorf("the replica URL %w", err)
	}
	if err := databaseurl.Check(o.PrimaryURL); err != nil {
		return nil, fmt.Errorf("the database URL %w", err)
	}
	db, err := database.Open(database.Options{
		URL: withParameters(o.PrimaryURL, primaryParameters), MaxConnections: primarySessions,
		Session: session.Options{Timeouts: session.Timeouts{Statement: primaryTimeout}, PerTransaction: o.Session.PerTransaction},
	})
	if err != nil {
		return nil, err
	}
	db.Pool.SetMaxOpenConns(1)
	background, stop := context.WithCancel(context.Background())
	s := &Set{primary: primary{db: db, background: background}, maxLag: cmp.Or(o.MaxLag, DefaultMaxLag), logger: o.Logger, stop: stop}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.primary.changed = s.logPrimary
	o.Session.ReadOnly = true
	for _, address := range addresses(o.URL) {
		db, err := database.Open(database.Options{URL: address.url, MaxConnections: o.MaxConnections, Session: o.Session})
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		s.standbys = append(s.standbys, &standby{host: address.host, db: db})
	}
	return s, nil
}

// Close closes the connections.
func (s *Set) Close() error {
	s.stop()
	s.primary.readings.Wait()
	s.probes.Wait()
	err := s.primary.db.Close()
	for _, standby := range s.standbys {
		err = errors.Join(err, standby.db.Close())
	}
	return err
}

// Read runs a read on a standby that has replayed all that the primary had committed when Read began. It reports whether a
// standby has answered; if not, the primary has to. read may run more than once, on one connection each time.
func (s *Set) Read(ctx context.Context, read func(tx *gorm.DB) error) (answered bool) {
	p, err := s.primary.position(ctx)
	lost := errors.Is(err, errNoPrimary)
	if err != nil && !lost {
		return false
	}
	deadline := time.Now().Add(s.maxLag)
	candidates, failed := s.candidates()
	if lost {
		candidates = append(candidates, failed...)
	}
	for _, standby := range candidates {
		until := deadline
		if standby.state.Load() == lagging {
			until = time.Now()
		}
		err := standby.read(ctx, p, until, read)
		if ctx.Err() != nil {
			return err == nil
		}
		s.observe(standby, err)
		if err == nil {
			return true
		}
	}
	return false
}

// candidates returns the standbys in the order in which a read tries them, without those that are failing, which are apart: to
// try one may take until its timeout. It starts the probes that are due.
func (s *Set) candidates() (candidates, failed []*standby) {
	first := int(s.turn.Add(1))
	for i := range s.standbys {
		standby := s.standbys[(first+i)%len(s.standbys)]
		state := standby.state.Load()
		if state != inUse {
			s.startProbe(standby)
		}
		if state == failing {
			failed = append(failed, standby)
		} else {
			candidates = append(candidates, standby)
		}
	}
	return candidates, failed
}

// Any reports whether the check succeeds on a standby.
func (s *Set) Any(ctx context.Context, check func(ctx context.Context, db *database.DB) error) bool {
	results := make(chan error, len(s.standbys))
	for _, standby := range s.standbys {
		go func() { results <- check(ctx, standby.db) }()
	}
	for range s.standbys {
		if <-results == nil {
			return true
		}
	}
	return false
}

// States returns the number of standbys in each state: in_use, lagging and failing.
func (s *Set) States() map[string]int {
	states := make(map[string]int)
	for _, name := range stateNames {
		states[name] = 0
	}
	for _, standby := range s.standbys {
		states[stateNames[standby.state.Load()]]++
	}
	return states
}

// Pools returns the connection pool of each standby by its host.
func (s *Set) Pools() map[string]*sql.DB {
	pools := make(map[string]*sql.DB)
	for _, standby := range s.standbys {
		pools[standby.host] = standby.db.Pool
	}
	return pools
}

// observe updates the state of a standby after a read.
func (s *Set) observe(standby *standby, err error) {
	state := inUse
	switch {
	case errors.Is(err, errBehind):
		state = lagging
	case database.IsConflict(err): // the recovery canceled the statement
		return
	case err != nil:
		state = failing
	}
	switch previous := standby.state.Swap(state); {
	case previous == state:
	case state == failing:
		s.logger.Warn("a standby gets no reads", "standby", standby.host, "error", err)
	case previous == failing:
		s.logger.Info("a standby gets reads again", "standby", standby.host)
	default:
		s.logger.Debug("the lag of a standby has passed the limit", "standby", standby.host, "lagging", state == lagging)
	}
}

// startProbe starts a probe of the standby, unless there was one just now.
func (s *Set) startProbe(standby *standby) {
	last, now := standby.probed.Load(), time.Now().UnixNano()
	if now-last >= int64(probeInterval) && standby.probed.CompareAndSwap(last, now) {
		s.probes.Go(func() { s.probe(standby) })
	}
}

// probe checks whether a standby replays the position of the primary in time, or without a primary, whether it answers.
func (s *Set) probe(standby *standby) {
	ctx, cancel := context.WithTimeout(s.primary.background, probeTimeout)
	defer cancel()
	p, err := s.primary.position(ctx)
	if (err == nil || errors.Is(err, errNoPrimary)) && standby.read(ctx, p, time.Now().Add(s.maxLag), func(*gorm.DB) error { return nil }) == nil {
		s.observe(standby, nil)
	}
}

// logPrimary logs that the primary is lost or back.
func (s *Set) logPrimary(cause error) {
	if cause != nil {
		s.logger.Warn("no primary can be reached; standbys answer lists, which may lack the latest recordings", "error", cause)
	} else {
		s.logger.Info("the primary can be reached again")
	}
}
