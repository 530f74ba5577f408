package admission_test

import (
	"runtime"
	"testing"

	"github.com/deployrecords/deployrecords/internal/admission"
)

func TestAPoolIsDividedAmongTheClasses(t *testing.T) {
	for connections, want := range map[int]admission.Shares{
		1:   {Listings: 1, CountedListings: 1, Recordings: 1},
		10:  {Listings: 3, CountedListings: 2, Recordings: 3},
		20:  {Listings: 8, CountedListings: 4, Recordings: 6},
		100: {Listings: 48, CountedListings: 20, Recordings: 30},
	} {
		if got := admission.Divide(connections, false); got != want {
			t.Errorf("%d connections: got %+v, want %+v", connections, got, want)
		}
	}
}

// Every operation must find a connection, with one for compaction and one for health checks.
func TestTheSharesFitIntoThePool(t *testing.T) {
	for connections := 5; connections <= 200; connections++ {
		for _, local := range []bool{false, true} {
			s := admission.Divide(connections, local)
			if sum := s.Listings + s.CountedListings + s.Recordings; sum > connections-2 || min(s.Listings, s.CountedListings, s.Recordings) < 1 {
				t.Errorf("%d connections, local %v: %+v", connections, local, s)
			}
		}
	}
}

// A database on this machine shares its processors with the server.
func TestALocalDatabaseHasSharesByProcessors(t *testing.T) {
	processors := runtime.GOMAXPROCS(0)
	want := admission.Shares{Listings: 2 * processors, CountedListings: max(processors/2, 1), Recordings: 2 * processors}
	if got := admission.Divide(1000, true); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
