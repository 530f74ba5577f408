package sandbox

import (
	"context"
	"iter"
	"log/slog"
	"sync"

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

// replace opens another store in place of the current one, after the requests that use that one.
func (s *Store) replace(ctx context.Context) error {
	next, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	_ = s.current.Close() // what it had is discarded
	s.current = next
	s.life, s.end = context.WithCancel(context.Background())
	return nil
}

// Close discards the records.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
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
	return s.current.Record(ctx, organization, batch)
}

// RecordIdempotent implements deployments.Store.
func (s *Store) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.RecordIdempotent(ctx, organization, key, batch)
}

// Import implements deployments.Store.
func (s *Store) Import(ctx context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.Import(ctx, organization, entries)
}
