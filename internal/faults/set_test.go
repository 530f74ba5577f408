package faults_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/deployrecords/deployrecords/internal/faults"
)

func TestOnlyAResetUsesIdsAgain(t *testing.T) {
	s := faults.NewSet(0, nil)
	add(t, s, faults.Fault{Kind: faults.ContentType})
	s.Clear()
	if second := add(t, s, faults.Fault{Kind: faults.ContentType}); second.ID != "fault-2" || len(s.List()) != 1 {
		t.Errorf("after Clear: %+v, %+v", second, s.List())
	}
	s.Reset()
	if first := add(t, s, faults.Fault{Kind: faults.ContentType}); first.ID != "fault-1" || len(s.List()) != 1 {
		t.Errorf("after Reset: %+v, %+v", first, s.List())
	}
}

func TestFaultsThatAreUsedUpMakeRoom(t *testing.T) {
	s := faults.NewSet(0, nil)
	server := s.Handler(http.NotFoundHandler())
	lasting := add(t, s, faults.Fault{Kind: faults.ContentType, Match: faults.Match{Path: "/nothing"}})
	for range 1100 {
		add(t, s, faults.Fault{Kind: faults.ContentType, Times: 1})
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/deployments", nil))
	}
	if all := s.List(); len(all) != 1000 || all[0].ID != lasting.ID || all[1].ID != "fault-103" || all[999].ID != "fault-1101" {
		t.Errorf("%d faults, the first are %+v", len(all), all[:2])
	}
}

// A server that stops waits for its requests.
func TestAClosedSetHasNoFaults(t *testing.T) {
	s := faults.NewSet(0, nil)
	url, answered := delayed(t, s)
	s.Close()
	if status := <-answered; status != http.StatusOK || len(s.List()) != 0 {
		t.Errorf("got %d, %v", status, s.List())
	}
	s.Reset()
	if _, err := s.Add(faults.Fault{Kind: faults.Reset}); !errors.Is(err, faults.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if status, _, _, err := get(t, url); status != http.StatusOK || err != nil {
		t.Errorf("after Close: %d, %v", status, err)
	}
}
