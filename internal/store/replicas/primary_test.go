package replicas

import (
	"errors"
	"testing"
)

// A list must not wait for a query of its own, and must not use a position that was read before it began.
func TestReadsThatWaitShareAReadingThatHasNotBegun(t *testing.T) {
	t.Parallel()
	const nowhere = "postgres://u@/db?host=/nonexistent-directory-for-sockets"
	s, err := Open(Options{PrimaryURL: nowhere, URL: nowhere})
	if err != nil {
		t.Fatal(err)
	}
	p := &s.primary
	p.running.Lock() // as an earlier reading does
	first, second := p.join(), p.join()
	p.running.Unlock()
	<-first.done
	third := p.join()
	<-third.done
	if first != second || third == first {
		t.Errorf("three reads have the readings %p, %p and %p", first, second, third)
	}
	if !errors.Is(first.err, errNoPrimary) || !p.lost.Load() {
		t.Errorf("without a primary: got %v", first.err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
