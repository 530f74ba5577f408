package store

import "testing"

// SetMaxNames has lists forget what ids stand for earlier.
func (s *lister) SetMaxNames(n int) { s.names = newNames(n) }

// ListsAtOnce is how many lists are read at once of a database, by a pool of so many connections.
var ListsAtOnce = listsAtOnce

// HoldLists keeps lists waiting until the function that it gives is called.
func (s *lister) HoldLists(t *testing.T) (release func()) {
	t.Helper()
	all := int64(s.maxLists)
	if err := s.reading.Acquire(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return func() { s.reading.Release(all) }
}
