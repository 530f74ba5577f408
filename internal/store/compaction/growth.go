package compaction

import "sync"

// growth counts the deltas of each organization since all of its counters were last read for lists that have become long. An
// organization has as many counters as slots and more. A list that becomes long gets milestones once they are read, and its pages
// skip records until then. With several servers, each counts what it compacts.
type growth struct {
	enough int64 // deltas
	mu     sync.Mutex
	deltas map[int64]int64 // by organization; an absent one is due
}

// add adds deltas of an organization.
func (g *growth) add(organizationID int64, deltas int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, read := g.deltas[organizationID]; read {
		g.deltas[organizationID] += int64(deltas)
	}
}

// isDue reports whether the counters of an organization should be read, as they should at first.
func (g *growth) isDue(organizationID int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	deltas, read := g.deltas[organizationID]
	return !read || deltas >= g.enough
}

// setDue makes an organization due.
func (g *growth) setDue(organizationID int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.deltas, organizationID)
}

// reset counts from zero again after the counters were read.
func (g *growth) reset(organizationID int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deltas == nil {
		g.deltas = make(map[int64]int64)
	}
	g.deltas[organizationID] = 0
}
