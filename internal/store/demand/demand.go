// Package demand remembers which long listings have no counters, until a compaction counts their artifacts.
package demand

import (
	"sync"
	"time"
)

// Content is a digest or a project version by which the records of an organization were listed.
type Content struct{ Organization, Digest, Project, Version string }

const (
	// interval is how often a Content is taken at most. Its artifacts may have few records each, and then stay uncounted.
	interval = time.Minute
	// maxContents bounds the memory of a Set, of a few hundred bytes a Content.
	maxContents = 1000
)

// Set holds what long listings were by whose records may be counted one by one. It is safe for concurrent use. Its zero value is empty.
type Set struct {
	mu      sync.Mutex
	waiting []Content
	added   map[Content]time.Time
}

// Add adds a Content, unless it was added within the last minute.
func (s *Set) Add(c Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.added[c]; ok && time.Since(at) < interval {
		return
	}
	if len(s.added) >= maxContents || s.added == nil {
		s.waiting, s.added = nil, make(map[Content]time.Time)
	}
	s.waiting, s.added[c] = append(s.waiting, c), time.Now()
}

// Take removes all that was added and returns it.
func (s *Set) Take() []Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.waiting
	s.waiting = nil
	return taken
}

// PutBack adds a Content again that was taken in vain.
func (s *Set) PutBack(c Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, c)
}
