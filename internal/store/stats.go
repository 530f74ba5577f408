package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
)

// Stats are numbers for monitoring since the store was opened. They come from memory.
type Stats struct {
	// Gates has the gates of the classes of operations: listings, counted_listings, recordings and large_bodies.
	Gates map[string]admission.Stats
	// Recordings counts what became of recordings.
	Recordings outcomes.Stats
	// CompactedAt is when compaction last succeeded here; zero is never.
	CompactedAt time.Time
	// Standbys has the number of standbys by state; nil without standbys.
	Standbys map[string]int
}

// Stats returns the numbers of the store.
func (s *Store) Stats() Stats {
	stats := Stats{
		Gates: map[string]admission.Stats{
			"listings": s.gates.Listings.Stats(), "counted_listings": s.gates.CountedListings.Stats(), "recordings": s.gates.Recordings.Stats(),
			"large_bodies": s.gates.LargeBodies.Stats(),
		},
		Recordings: s.Recorder.Outcomes.Stats(),
	}
	if compacted := s.compacted.Load(); compacted != 0 {
		stats.CompactedAt = time.Unix(0, compacted)
	}
	if s.replicas != nil {
		stats.Standbys = s.replicas.States()
	}
	return stats
}

// MemoryBytes returns the size of a database in memory.
func (s *Store) MemoryBytes(ctx context.Context) (bytes int64, err error) {
	err = s.db.Pool.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(&bytes)
	return bytes, err
}

// PendingChanges returns the number of changes that no total includes yet, at most counts.MaxPending. It queries the database.
func (s *Store) PendingChanges(ctx context.Context) (int64, error) { return s.Compactor.Pending(ctx) }

// Pools returns the connection pools by name: primary, and the hosts of the standbys.
func (s *Store) Pools() map[string]*sql.DB {
	pools := make(map[string]*sql.DB)
	if s.replicas != nil {
		pools = s.replicas.Pools()
	}
	pools["primary"] = s.db.Pool
	return pools
}
