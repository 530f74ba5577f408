package listing

import (
	"cmp"
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/demand"
	"github.com/deployrecords/deployrecords/internal/store/namecache"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/store/statements"
)

// maxStatements bounds the compiled statements in memory, of a few kilobytes each. A server rarely meets more shapes
// than a client has kinds of queries.
const maxStatements = 512

// Options configures a Lister.
type Options struct {
	// Gate admits listings whose time does not depend on the number of their records, CountedGate those that count or skip their
	// records. Cheap listings do not wait behind expensive ones.
	Gate, CountedGate *admission.Gate
	// MilestoneInterval is that of the milestones in the database; 0 is counts.DefaultMilestoneInterval.
	MilestoneInterval int64
	// Names completes the records.
	Names namecache.Cache
	// Replicas answer listings in place of the database, as far as they can; nil if there are none.
	Replicas *replicas.Set
	// Demand gets the digest or project version of each long listing whose records the statement may have counted; nil is none.
	Demand *demand.Set
}

// Lister answers listings. It is safe for concurrent use.
type Lister struct {
	db         *database.DB
	gorm       *gorm.DB
	prepared   *gorm.DB
	dialect    database.Dialect
	options    Options
	statements *lru.Cache[statements.Shape, *statements.Statement]
}

// New returns a Lister on the database.
func New(db *database.DB, o Options) *Lister {
	o.MilestoneInterval = cmp.Or(o.MilestoneInterval, counts.DefaultMilestoneInterval)
	cache, err := lru.New[statements.Shape, *statements.Statement](maxStatements)
	if err != nil {
		panic(err) // cannot happen: maxStatements is positive
	}
	return &Lister{
		db:         db,
		gorm:       db.WithContext(context.Background()),
		prepared:   db.Prepared(context.Background()),
		dialect:    db.Dialect,
		options:    o,
		statements: cache,
	}
}

// List implements deployments.Store.
func (l *Lister) List(ctx context.Context, scope deployments.Scope, query deployments.Query) (deployments.Result, error) {
	result, err := l.list(ctx, scope, &query)
	if database.IsStalePlan(err) || database.IsBroken(ctx, err) {
		result, err = l.list(ctx, scope, &query)
	}
	if err != nil {
		return deployments.Result{}, l.db.MapError(ctx, err)
	}
	return result, nil
}

func (l *Lister) list(ctx context.Context, scope deployments.Scope, query *deployments.Query) (deployments.Result, error) {
	shape := statements.NewShape(l.dialect, l.options.MilestoneInterval, scope, query)
	gate := l.options.CountedGate
	if shape.IsCheap() {
		gate = l.options.Gate
	}
	release, err := gate.Acquire(ctx, scope.Organization)
	if err != nil {
		return deployments.Result{}, err
	}
	defer release()
	if err := l.db.File().CheckRecently(); err != nil {
		return deployments.Result{}, err
	}
	compiled, err := l.statement(shape)
	if err != nil {
		return deployments.Result{}, err
	}
	if l.options.Replicas != nil {
		if result, answered := l.answerOnStandby(ctx, compiled, scope, *query); answered {
			l.demand(shape, scope, query, result.Total)
			return result, nil
		}
	}
	result, err := l.answer(ctx, l.gorm, l.prepared, compiled, scope, query)
	if err == nil {
		l.demand(shape, scope, query, result.Total)
	}
	return result, err
}

// demand lets the artifacts of a long listing by a digest or a project version be counted.
func (l *Lister) demand(s statements.Shape, scope deployments.Scope, q *deployments.Query, total int64) {
	if s.ReadsArtifacts() && total > 2*l.options.MilestoneInterval && l.options.Demand != nil {
		l.options.Demand.Add(demand.Content{
			Organization: scope.Organization, Digest: q.ArtifactDigest, Project: q.ProjectName, Version: q.ProjectVersionName,
		})
	}
}

// answerOnStandby is answer on a standby that has replayed what the primary had committed. It reports whether there is one.
func (l *Lister) answerOnStandby(
	ctx context.Context, compiled *statements.Statement, scope deployments.Scope, query deployments.Query,
) (result deployments.Result, answered bool) {
	answered = l.options.Replicas.Read(ctx, func(tx *gorm.DB) (err error) {
		result, err = l.answer(ctx, tx, tx, compiled, scope, &query)
		return err
	})
	return result, answered
}

// answer reads the page, its total and its names from one database.
func (l *Lister) answer(
	ctx context.Context, db *gorm.DB, prepared *gorm.DB, compiled *statements.Statement, scope deployments.Scope, query *deployments.Query,
) (deployments.Result, error) {
	var result deployments.Result
	err := session.Read(ctx, prepared.Statement.ConnPool, compiled.Text, compiled.Bind(scope, query), func(rows session.Rows) (err error) {
		result, err = scan(rows, query.Page.Size)
		return err
	})
	if err != nil {
		return deployments.Result{}, err
	}
	return result, l.options.Names.Complete(ctx, db, scope.Organization, result.Records)
}

// statement returns the compiled statement of a shape.
func (l *Lister) statement(s statements.Shape) (*statements.Statement, error) {
	if compiled, ok := l.statements.Get(s); ok {
		return compiled, nil
	}
	compiled, err := statements.Compile(l.gorm, s)
	if err == nil {
		l.statements.Add(s, compiled)
	}
	return compiled, err
}
