package store

import (
	"context"
	"runtime"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// Lists whose totals are kept are read a few at a time, and those that find no place wait in the order in which they came.
// Each takes about as long as any other: begun all at once, they share the processors, and each is as late as the last.
// Connections of the pool would be given to any of those that wait, and the last to come may be the first. Lists whose
// totals are counted each time take as long as there are records that match; they have no places, and so keep nobody from
// one.

// listsAtOnce is how many lists are read at once where nobody says so: as many as there are connections, or two for each
// processor at most if the database has none but those of this machine.
func listsAtOnce(databaseURL string, connections int) int {
	if database.IsLocal(databaseURL) {
		return min(connections, 2*runtime.GOMAXPROCS(0))
	}
	return connections
}

// MaxConcurrentLists is how many lists whose totals are kept are read at once.
func (s *lister) MaxConcurrentLists() int { return s.maxLists }

// turn waits until a list may be read. Whoever got it calls done.
func (s *lister) turn(ctx context.Context, scope deployments.Scope, q deployments.Query) (done func(), err error) {
	if _, kept := listOf(scope, q); !kept {
		return func() {}, nil
	}
	if err := s.reading.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { s.reading.Release(1) }, nil
}
