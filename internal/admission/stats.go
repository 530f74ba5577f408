package admission

// Stats describes a gate at one moment.
type Stats struct {
	// Places is the maximum number of operations that run at once.
	Places int
	// Running is the number of operations that have a place, and Waiting the number of those that wait for one. With those of
	// AcquireFirst, more may run than there are places.
	Running, Waiting int
	// RejectedForShare and RejectedForLoad count the operations that were rejected since the gate was made: those whose
	// organization filled its share, and those that would have waited too long for the operations of others.
	RejectedForShare, RejectedForLoad int64
}

// Stats returns the numbers of the gate.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	stats := Stats{
		Places: g.options.Places, Running: g.options.Places - g.free,
		RejectedForShare: g.rejectedForShare, RejectedForLoad: g.rejectedForLoad,
	}
	for _, s := range g.shares {
		stats.Waiting += len(s.first) + len(s.waiting)
	}
	return stats
}
