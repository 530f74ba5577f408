package compaction

import "sync"

// growth counts the deltas of each organization since all of its counters were last read for lists that have become long. An
// organization has as many counters as slots and more, and a list needs many deltas to become long.
type growth struct {
	enough int64 // deltas
	mu     sync.Mutex
	deltas map[int64]int64
}

// isEnough adds deltas of an organization and reports whether its counters should be read now, as they should at first.
func (g *growth) isEnough(organizationID int64, deltas int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	since, counted := g.deltas[organizationID]
	if since += int64(deltas); counted && since < g.enough {
		g.deltas[organizationID] = since
		return false
	}
	if g.deltas == nil {
		g.deltas = make(map[int64]int64)
	}
	g.deltas[organizationID] = 0
	return true
}
