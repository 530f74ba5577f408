package listing

import (
	"cmp"
	"context"
	"runtime"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// maxStatements bounds the compiled statements in memory, of a few kilobytes each. A server rarely meets more shapes
// than a client has kinds of queries.
const maxStatements = 512

// Options configures a Lister.
type Options struct {
	// MaxConcurrentLists is the number of listings with precomputed totals that run at the same time; 0 is 1.
	MaxConcurrentLists int
	// MilestoneInterval is that of the milestones in the database; 0 is counts.DefaultMilestoneInterval.
	MilestoneInterval int64
	// NameCacheSize is the number of environments, logical environments and artifacts each that are cached; 0 is 16,384.
	NameCacheSize int
}

// Lister answers listings. It is safe for concurrent use.
type Lister struct {
	db         *gorm.DB
	prepared   gorm.ConnPool
	dialect    database.Dialect
	options    Options
	statements *lru.Cache[shape, *compiledStatement]
	names      nameCache
	// running admits listings with a counter in the order of their arrival.
	running *semaphore.Weighted
}

// New returns a Lister on the database.
func New(db *database.DB, o Options) *Lister {
	o.MaxConcurrentLists = cmp.Or(o.MaxConcurrentLists, 1)
	o.MilestoneInterval = cmp.Or(o.MilestoneInterval, counts.DefaultMilestoneInterval)
	o.NameCacheSize = cmp.Or(o.NameCacheSize, defaultNameCacheSize)
	return &Lister{
		db:         db.WithContext(context.Background()),
		prepared:   db.Prepared(context.Background()).Statement.ConnPool,
		dialect:    db.Dialect,
		options:    o,
		statements: newCache[shape, *compiledStatement](maxStatements),
		names:      newNameCache(o.NameCacheSize),
		running:    semaphore.NewWeighted(int64(o.MaxConcurrentLists)),
	}
}

// List implements deployments.Store.
func (l *Lister) List(ctx context.Context, scope deployments.Scope, query deployments.Query) (deployments.Result, error) {
	result, err := l.list(ctx, scope, &query)
	if err != nil {
		return deployments.Result{}, database.MapError(ctx, err)
	}
	return result, nil
}

func (l *Lister) list(ctx context.Context, scope deployments.Scope, query *deployments.Query) (deployments.Result, error) {
	shape := newShape(l.dialect, l.options.MilestoneInterval, scope, query)
	if shape.hasCounter() {
		if err := l.running.Acquire(ctx, 1); err != nil {
			return deployments.Result{}, err
		}
		defer l.running.Release(1)
	}
	compiled, err := l.statement(shape)
	if err != nil {
		return deployments.Result{}, err
	}
	rows, err := l.prepared.QueryContext(ctx, compiled.text, compiled.bind(scope, query)...)
	if err != nil {
		return deployments.Result{}, err
	}
	defer rows.Close()
	result, err := scan(rows, query.Page.Size)
	if err != nil {
		return deployments.Result{}, err
	}
	_ = rows.Close() // frees the connection for the names
	return result, l.names.complete(ctx, l.db, scope.Organization, result.Records)
}

// statement returns the compiled statement of a shape.
func (l *Lister) statement(s shape) (*compiledStatement, error) {
	if compiled, ok := l.statements.Get(s); ok {
		return compiled, nil
	}
	compiled, err := compile(l.db, s)
	if err == nil {
		l.statements.Add(s, compiled)
	}
	return compiled, err
}

// MaxConcurrentLists is the number of listings with precomputed totals that run at the same time. The others wait in the
// order of their arrival, which a pool of connections does not keep. Each takes about as long as any other: admitting
// all at once would make each as late as the last. Listings that count their records are not admitted here. They take time
// in proportion to their records, and cheap listings would wait behind them that long. They still share the pool and the
// processors.
func (l *Lister) MaxConcurrentLists() int { return l.options.MaxConcurrentLists }

// DefaultMaxConcurrentLists returns a default for a pool of that size: its size, or at most two for each processor if the
// database runs on this machine.
func DefaultMaxConcurrentLists(databaseURL string, connections int) int {
	if database.IsLocal(databaseURL) {
		return min(connections, 2*runtime.GOMAXPROCS(0))
	}
	return connections
}

func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	cache, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the size is not positive
	}
	return cache
}
