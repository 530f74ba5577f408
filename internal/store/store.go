// Package store stores deployment records in PostgreSQL or SQLite. It is the facade of the packages below it. Each of
// them implements a part of deployments.Store, and Store embeds these parts.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/audit"
	"github.com/deployrecords/deployrecords/internal/store/compaction"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/databaseurl"
	"github.com/deployrecords/deployrecords/internal/store/demand"
	"github.com/deployrecords/deployrecords/internal/store/importing"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/store/migration"
	"github.com/deployrecords/deployrecords/internal/store/namecache"
	"github.com/deployrecords/deployrecords/internal/store/overview"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/recording"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/store/unreachable"
)

// Options selects a database and configures its store.
type Options struct {
	// URL is postgres://… (or postgresql://…), or sqlite:// and the path of a file.
	URL string
	// MaxConnections is the size of the pool; 0 is database.DefaultMaxConnections.
	MaxConnections int
	// MaxConcurrentLists is the number of listings with precomputed totals that run at once, at most MaxConnections; 0 is the
	// number of admission.Divide.
	MaxConcurrentLists int
	// MaxWait is the time that an operation may wait for others; 0 is no limit.
	MaxWait  time.Duration
	Timeouts Timeouts
	// PerTransaction is for a pooler in transaction mode (see session.Options).
	PerTransaction bool
	// Quotas limit what recordings add to an organization.
	Quotas Quotas
	// MustExist rejects a missing SQLite file, which is created otherwise.
	MustExist bool
	// ReplicaURL, if not empty, names standbys of the PostgreSQL database that answer listings, overviews and
	// searches (see package replicas).
	ReplicaURL string
	// ReplicaMaxLag is how long a listing waits for a standby; 0 is replicas.DefaultMaxLag.
	ReplicaMaxLag time.Duration
	// ReadOnly rejects recordings with deployments.ErrReadOnly. The database may then be a standby.
	ReadOnly bool
	// Logger gets a line when a standby or its primary is lost or back; nil logs nothing.
	Logger *slog.Logger
	// Traces provides spans for the statements of requests that are traced; nil is none.
	Traces trace.TracerProvider
}

// MemoryOptions fix parts of a store in memory so that tests can predict its answers.
type MemoryOptions struct {
	// Now is the clock of records and idempotency keys, truncated to microseconds (R2). Nil is time.Now.
	Now func() time.Time
	// NewID generates ids, canonical UUIDs. One writer at a time calls it. Nil generates random ids.
	NewID func() string
}

type (
	// Verification is the result of Verify.
	Verification = audit.Verification
	// Timeouts are limits that PostgreSQL enforces.
	Timeouts = session.Timeouts
	// Quotas are the maximum numbers in an organization.
	Quotas = quotas.Limits
	// Migration is the result of Migrate.
	Migration = migration.Result
	// SchemaError reports a schema that this program does not work with.
	SchemaError = migration.SchemaError
)

// Store is a deployments.Store over a database.
type Store struct {
	*listing.Lister
	*overview.Reader
	*recording.Recorder
	*importing.Importer
	*audit.Auditor
	*compaction.Compactor
	db       *database.DB
	replicas *replicas.Set    // nil without
	now      func() time.Time // of Parts
	shares   admission.Shares
	gates    admission.Gates
	// compacted is when compaction last succeeded, in nanoseconds since 1970; 0 is never.
	compacted atomic.Int64
}

var _ deployments.Store = (*Store)(nil)

// Parts configures the parts of a store. Zero fields have the defaults of a server.
type Parts struct {
	Shares            admission.Shares
	MaxWait           time.Duration
	Quotas            Quotas
	MilestoneInterval int64
	NameCacheSize     int
	ImportLimits      importing.Limits
	Replicas          *replicas.Set
	Now               func() time.Time
	NewID             func() string
}

// New returns a store over an open database and its replicas, which the store closes.
func New(db *database.DB, p Parts) *Store {
	if p.NewID == nil {
		p.NewID = uuid.NewString
	}
	if p.Shares == (admission.Shares{}) {
		p.Shares = admission.Divide(db.Pool.Stats().MaxOpenConnections, true)
	}
	gates := admission.NewGates(p.Shares, p.MaxWait)
	names := namecache.New(p.NameCacheSize)
	demanded := new(demand.Set)
	compactor := compaction.New(db, p.MilestoneInterval, gates.LargeBodies, demanded)
	return &Store{
		Lister: listing.New(db, listing.Options{
			Gate: gates.Listings, CountedGate: gates.CountedListings,
			MilestoneInterval: p.MilestoneInterval, Names: names, Replicas: p.Replicas, Demand: demanded,
		}),
		Reader:    overview.New(db, overview.Options{Gate: gates.CountedListings, Names: names, Replicas: p.Replicas}),
		Recorder:  recording.New(db, gates.Recordings, p.Quotas, p.Now, p.NewID),
		Importer:  importing.New(db, compactor, p.NewID, cmp.Or(p.ImportLimits, importing.DefaultLimits)),
		Auditor:   audit.New(db, compactor),
		Compactor: compactor,
		db:        db,
		replicas:  p.Replicas,
		now:       p.Now,
		shares:    p.Shares,
		gates:     gates,
	}
}

// Open prepares a pool of connections. It does not connect to PostgreSQL yet; Ready reports whether that works. Its errors
// are about the URL (or the SQLite file) and never contain a password.
func Open(o Options) (*Store, error) {
	sessions := session.Options{Timeouts: o.Timeouts, PerTransaction: o.PerTransaction, ReadOnly: o.ReadOnly, Traces: o.Traces}
	db, err := database.Open(database.Options{URL: o.URL, MaxConnections: o.MaxConnections, Session: sessions, MustExist: o.MustExist})
	if err != nil {
		return nil, err
	}
	connections := db.Pool.Stats().MaxOpenConnections
	shares := admission.Divide(connections, databaseurl.IsLocal(o.URL))
	if db.Dialect == database.SQLite {
		shares.Recordings = 1 // it admits one writer
	}
	if o.MaxConcurrentLists > 0 {
		shares.Listings = min(o.MaxConcurrentLists, connections)
	}
	parts := Parts{Shares: shares, MaxWait: o.MaxWait, Quotas: o.Quotas}
	if o.ReplicaURL != "" {
		parts.Replicas, err = replicas.Open(replicas.Options{
			PrimaryURL: o.URL, URL: o.ReplicaURL, MaxConnections: o.MaxConnections, Session: sessions, MaxLag: o.ReplicaMaxLag, Logger: o.Logger,
		})
		if err != nil {
			_ = db.Close()
			return nil, err
		}
	}
	s := New(db, parts)
	s.Recorder.ReadOnly = o.ReadOnly
	return s, nil
}

// Shares are the numbers of operations that run at once.
func (s *Store) Shares() admission.Shares { return s.shares }

// LargeBodies is the gate of large request bodies. Compaction takes turns with those of the organization.
func (s *Store) LargeBodies() *admission.Gate { return s.gates.LargeBodies }

// OpenMemory opens a store on a new SQLite database in memory with the schema of this program. Nothing is written to disk,
// and Close discards the database.
func OpenMemory(ctx context.Context, o MemoryOptions) (*Store, error) {
	db, err := database.OpenMemory(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	if _, err := schema.Migrator(db).Migrate(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("prepare a database in memory: %w", err)
	}
	return New(db, Parts{Now: o.Now, NewID: o.NewID}), nil
}

// Close waits for running statements and closes the connections.
func (s *Store) Close() error {
	if s.replicas != nil {
		return errors.Join(s.replicas.Close(), s.db.Close())
	}
	return s.db.Close()
}

// Clock returns the clock that decides which times lie ahead (I1): that of Parts, or the database's. It reads the database's
// clock once and then adds the time that passes here.
func (s *Store) Clock(ctx context.Context) (func() time.Time, error) {
	if s.now != nil {
		return s.now, nil
	}
	now, err := database.Now(s.db.WithContext(ctx))
	if err != nil {
		return nil, s.db.MapError(ctx, err)
	}
	read := time.Now()
	return func() time.Time { return now.Add(time.Since(read)) }, nil
}

// CheckURL validates a database URL without opening anything. Its errors are predicates and never contain a password.
func CheckURL(databaseURL string) error { return databaseurl.Check(databaseURL) }

// CheckReplicaURL validates the URL of the standbys of a database. Its errors are predicates and never contain a password.
func CheckReplicaURL(replicaURL string) error { return replicas.CheckURL(replicaURL) }

// IsPermanent reports whether an error of a connection stays until a person changes something. See unreachable.IsPermanent.
func IsPermanent(err error) bool { return unreachable.IsPermanent(err) }

// Migrate upgrades the database's schema to the version of this program, and compacts the pending deltas and builds the
// milestones that this migration or an interrupted one has left. See migration.Migrator.Migrate.
func Migrate(ctx context.Context, databaseURL string) (Migration, error) {
	// No statement timeout: building an index over a long history may take long.
	db, err := database.Open(database.Options{URL: databaseURL, MaxConnections: 2})
	if err != nil {
		return Migration{}, err
	}
	defer db.Close()
	result, err := schema.Migrator(db).Migrate(ctx)
	if err != nil {
		return result, err
	}
	compactor := compaction.New(db, 0, nil, nil)
	if _, err := compactor.Compact(ctx); err != nil {
		return result, err
	}
	return result, compactor.BuildMissing(ctx)
}

// GrantServer gives a role of PostgreSQL the rights that a server needs on a migrated database, as the owner of its schema.
// See schema.Grant.
func GrantServer(ctx context.Context, databaseURL, role string) error {
	db, err := database.Open(database.Options{URL: databaseURL, MaxConnections: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Write(ctx, func(tx *gorm.DB) error { return schema.Grant(tx, role) })
	if database.IsForbidden(err) {
		return fmt.Errorf("%w: run it as the owner of the schema", err)
	}
	return db.MapError(ctx, err)
}
