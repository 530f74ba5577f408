// Package demand remembers which long listings have no counters, until their artifacts are counted.
package demand

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Content is a digest or a project version by which the records of an organization were listed.
type Content struct{ Organization, Digest, Project, Version string }

const (
	// interval is how often a Content is taken at most. Its artifacts may have few records each, and then stay uncounted.
	interval = 10 * time.Minute
	// maxContents bounds the memory of a Set, of a few hundred bytes a Content.
	maxContents = 1000
)

// Set holds the contents of long listings whose records may be counted one by one. It is safe for concurrent use. Its zero value is empty.
type Set struct {
	mu      sync.Mutex
	waiting map[Content]bool
	// added are the contents of the last interval.
	added map[Content]time.Time
}

// Add adds a Content, unless it was added within the interval or the Set is full.
func (s *Set) Add(c Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.added == nil {
		s.waiting, s.added = make(map[Content]bool), make(map[Content]time.Time)
	}
	if len(s.added) >= maxContents {
		maps.DeleteFunc(s.added, func(_ Content, at time.Time) bool { return time.Since(at) >= interval })
	}
	at, added := s.added[c]
	if added && time.Since(at) < interval || len(s.added) >= maxContents {
		return
	}
	s.waiting[c], s.added[c] = true, time.Now()
}

// Take removes all that waits and returns it.
func (s *Set) Take() []Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := slices.Collect(maps.Keys(s.waiting))
	clear(s.waiting)
	return taken
}

// PutBack lets a Content wait again whose artifacts could not be counted.
func (s *Set) PutBack(c Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[c] = true
}
