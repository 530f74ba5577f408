package admission

import (
	"runtime"
	"time"
)

// Shares divides a pool of connections among the classes of operations, so that one class never keeps another waiting.
// The rest of the pool is for compaction and health checks. A pool of less than five connections is too small for that: the
// classes wait for each other there.
type Shares struct {
	// Listings is the number of listings with precomputed totals that run at once. Each takes about as long as any other, and
	// admitting all at once would make each as late as the last.
	Listings int
	// CountedListings is the same for listings that count or skip their records, which takes time in proportion to their number.
	CountedListings int
	// Recordings is the same for recordings and batches, which may wait for each other's locks.
	Recordings int
}

// reserved is the number of connections for compaction and health checks.
const reserved = 2

// Divide returns the shares of a pool. A local database shares the processors of this machine with the server, so that more
// operations at once would only make each of them slower.
func Divide(connections int, local bool) Shares {
	s := Shares{CountedListings: connections / 5, Recordings: connections * 3 / 10}
	s.Listings = connections - reserved - s.CountedListings - s.Recordings
	if local {
		processors := runtime.GOMAXPROCS(0)
		s.Listings = min(s.Listings, 2*processors)
		s.CountedListings = min(s.CountedListings, processors/2)
		s.Recordings = min(s.Recordings, 2*processors)
	}
	return Shares{max(s.Listings, 1), max(s.CountedListings, 1), max(s.Recordings, 1)}
}

// Gates are the gates of the classes of operations on the database, and that of large bodies.
type Gates struct{ Listings, CountedListings, Recordings, LargeBodies *Gate }

// maxWaiting is the number of waiting operations of one organization in a class. Beyond it, more would only wait longer.
const maxWaiting = 128

// NewGates returns gates with these shares. No organization gets the last place of a class whose operations may take long.
func NewGates(s Shares, maxWait time.Duration) Gates {
	long := func(places int) *Gate {
		return NewGate(Options{Places: places, PlacesEach: max(places-1, 1), MaxWait: maxWait, MaxWaiting: max(maxWaiting, places)})
	}
	return Gates{
		Listings:        NewGate(Options{Places: s.Listings, MaxWait: maxWait, MaxWaiting: max(maxWaiting, s.Listings)}),
		CountedListings: long(s.CountedListings),
		Recordings:      long(s.Recordings),
		LargeBodies:     NewLargeBodyGate(maxWait),
	}
}

// maxLargeBodyHold is the time after which a large body's place is given to another one. A batch that takes longer waits for a lock.
const maxLargeBodyHold = 3 * time.Second

// NewLargeBodyGate returns a gate for large bodies. Decoding and recording one keeps a processor busy, here or in the database,
// so one organization gets half of the processors. The budget for bodies limits the bytes of those that wait.
func NewLargeBodyGate(maxWait time.Duration) *Gate {
	processors := runtime.GOMAXPROCS(0)
	return NewGate(Options{
		Places: max(processors, 2), PlacesEach: max(processors/2, 1),
		MaxWait: maxWait, MaxWaiting: maxWaiting, MaxHold: maxLargeBodyHold,
	})
}
