package sandbox

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
)

// Store is a store in memory that can be replaced by a new one while requests run.
type Store struct {
	open func(context.Context) (*store.Store, error)

	mu sync.RWMutex // requests hold it while they use current
	// current is discarded when life ends.
	current *store.Store
	life    context.Context
	end     context.CancelFunc
	// generation counts the stores.
	generation int
	// isClosed reports that no other store may take the place of current.
	isClosed bool

	// budget has the bytes that the store counts there: those of the database, and extra.
	budget  *Budget
	extra   int64
	counted atomic.Int64
}

var _ deployments.Store = (*Store)(nil)

// newStore opens the first store.
func newStore(ctx context.Context, open func(context.Context) (*store.Store, error)) (*Store, error) {
	current, err := open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{open: open, current: current}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// replace opens another store in place of the current one, after the requests that use that one. It returns ErrUnknown if the
// store is closed, also meanwhile.
func (s *Store) replace(ctx context.Context) error {
	next, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return errors.Join(ErrUnknown, next.Close())
	}
	s.end()
	_ = s.current.Close() // what it had is discarded
	s.current = next
	s.generation++
	s.life, s.end = context.WithCancel(context.Background())
	s.count(ctx)
	return nil
}

// share makes the store count in a budget, with extra bytes besides those of the database. It comes before the first request.
func (s *Store) share(ctx context.Context, budget *Budget, extra int64) {
	s.budget, s.extra = budget, extra
	s.count(ctx)
}

// count corrects what the budget has of the store. The caller holds mu, or no request has begun.
func (s *Store) count(ctx context.Context) {
	if s.budget == nil {
		return
	}
	size, err := s.current.MemoryBytes(context.WithoutCancel(ctx))
	if err != nil {
		return // the next operation counts again
	}
	size = max(size+s.extra, 0)
	s.budget.add(size - s.counted.Swap(size))
}

type generationKey struct{}

// handler returns a server whose requests record into the store that is current when they begin, or not at all.
func (s *Store) handler(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.RLock()
		generation := s.generation
		s.mu.RUnlock()
		server.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), generationKey{}, generation)))
	})
}

// checkGeneration returns an error for a request that began with a store that was replaced. The caller holds mu.
func (s *Store) checkGeneration(ctx context.Context) error {
	if generation, ok := ctx.Value(generationKey{}).(int); ok && generation != s.generation {
		return errReplaced
	}
	return nil
}

// errReplaced is a 503, as that of a server that loses its database.
var errReplaced = fmt.Errorf("%w: the sandbox was reset after the request began", deployments.ErrUnavailable)

// Close discards the records.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isClosed = true
	s.end()
	s.budget.add(-s.counted.Swap(0))
	return s.current.Close()
}

// RunBackground runs the background tasks of the current store until ctx ends.
func (s *Store) RunBackground(ctx context.Context, logger *slog.Logger) {
	for ctx.Err() == nil {
		s.mu.RLock()
		current, life := s.current, s.life
		s.mu.RUnlock()
		running, stop := context.WithCancel(ctx)
		release := context.AfterFunc(life, stop)
		current.RunBackground(running, logger)
		release()
		stop()
	}
}

// Shares are the numbers of operations that run at once.
func (s *Store) Shares() admission.Shares {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.Shares()
}

// LargeBodies is the gate of large bodies of the current store.
func (s *Store) LargeBodies() *admission.Gate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.LargeBodies()
}

// Ready implements what the server checks.
func (s *Store) Ready(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.Ready(ctx)
}

// List implements deployments.Store.
func (s *Store) List(ctx context.Context, scope deployments.Scope, query deployments.Query) (deployments.Result, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.List(ctx, scope, query)
}

// Overview implements deployments.Store.
func (s *Store) Overview(ctx context.Context, scope deployments.Scope, query deployments.Query, columns deployments.Columns) (deployments.Overview, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.Overview(ctx, scope, query, columns)
}

// Search implements deployments.Store.
func (s *Store) Search(ctx context.Context, scope deployments.Scope, prefix string) (deployments.Matches, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.Search(ctx, scope, prefix)
}

// Record implements deployments.Store.
func (s *Store) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.checkGeneration(ctx); err != nil {
		return deployments.BatchResult{}, err
	}
	release, err := s.budget.hold(int64(len(batch.Items)) * bytesPerItem)
	if err != nil {
		return deployments.BatchResult{}, err
	}
	defer release()
	defer s.count(ctx)
	return s.current.Record(ctx, organization, batch)
}

// RecordIdempotent implements deployments.Store.
func (s *Store) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.checkGeneration(ctx); err != nil {
		return deployments.Record{}, err
	}
	release, err := s.budget.hold(bytesPerItem)
	if err != nil {
		return deployments.Record{}, err
	}
	defer release()
	defer s.count(ctx)
	return s.current.RecordIdempotent(ctx, organization, key, batch)
}

// Import implements deployments.Store.
func (s *Store) Import(ctx context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	defer s.count(ctx)
	return s.current.Import(ctx, organization, entries)
}
