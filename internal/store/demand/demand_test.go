package demand

import (
	"fmt"
	"testing"
	"time"
)

func TestAContentIsTakenOnceInTheInterval(t *testing.T) {
	var s Set
	c := Content{Organization: "acme", Digest: "d"}
	want := func(n int) {
		t.Helper()
		if got := s.Take(); len(got) != n {
			t.Errorf("took %v, want %d", got, n)
		}
	}
	want(0)
	s.Add(c)
	s.Add(c)
	want(1)
	s.Add(c)
	want(0)
	s.PutBack(c)
	s.PutBack(c)
	want(1)
	s.added[c] = time.Now().Add(-interval)
	s.Add(c)
	want(1)
}

// A client that fills a Set does not remove what other clients have added.
func TestAFullSetTakesNoMore(t *testing.T) {
	var s Set
	for n := range maxContents + 10 {
		s.Add(Content{Digest: fmt.Sprint(n)})
	}
	if n := len(s.Take()); n != maxContents {
		t.Errorf("took %d", n)
	}
	s.Add(Content{Digest: "another"})
	for c := range s.added {
		s.added[c] = time.Now().Add(-interval)
	}
	s.Add(Content{Digest: "another"})
	if got := s.Take(); len(got) != 1 || len(s.added) != 1 {
		t.Errorf("took %v, and remembers %d", got, len(s.added))
	}
}
