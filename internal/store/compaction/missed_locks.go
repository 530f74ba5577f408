package compaction

import (
	"slices"
	"sync"
	"time"
)

// lockPatience is the time for which an organization's lock may be missed without an error.
const lockPatience = time.Minute

// missedLocks has the organizations whose compaction lock another transaction had at each attempt. Without the error, nobody
// would learn that an organization is not compacted.
type missedLocks struct {
	patience time.Duration

	mu    sync.Mutex
	since map[int64]time.Time
}

// retain forgets the organizations that are not among these: they have no pending deltas.
func (m *missedLocks) retain(organizations []organization) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.since {
		if !slices.ContainsFunc(organizations, func(o organization) bool { return o.ID == id }) {
			delete(m.since, id)
		}
	}
}

// note records whether the lock was taken, and returns for how long it has been missed.
func (m *missedLocks) note(id int64, taken bool) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if taken {
		delete(m.since, id)
		return 0
	}
	if m.since == nil {
		m.since = make(map[int64]time.Time)
	}
	if _, missed := m.since[id]; !missed {
		m.since[id] = time.Now()
	}
	return time.Since(m.since[id])
}
