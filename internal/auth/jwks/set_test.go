package jwks

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A refresh that others caused may be under way: the wait is still one fetch.
func TestT2_NobodyWaitsLongerThanOneFetch(t *testing.T) {
	held, release := make(chan bool, 3), make(chan bool)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case held <- true:
			_, _ = w.Write([]byte(`{"keys":[]}`))
		default:
			<-release
		}
	}))
	defer issuer.Close()
	defer close(release)
	limits := DefaultLimits()
	limits.Timeout = 200 * time.Millisecond
	for range cap(held) - 1 {
		held <- true
	}
	s, err := NewSet(Source{JWKSURL: issuer.URL}, limits, slog.New(slog.DiscardHandler), time.Now, func() {})
	if err != nil {
		t.Fatal(err)
	}
	s.Start(t.Context())
	s.requests <- make(chan bool, 1) // the fetch before
	for len(s.requests) > 0 {
		time.Sleep(time.Millisecond) // until the fetch begins
	}
	_, err = s.Find(t.Context(), "new", "EdDSA")
	if _, pending := errors.AsType[*PendingError](err); !pending {
		t.Errorf("got %v, want a *PendingError", err)
	}
}

func TestT2_FailedFetchesArePacedMoreAndMoreSlowly(t *testing.T) {
	s := &Set{limits: DefaultLimits()}
	for failed, want := range []time.Duration{time.Hour, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		if got := s.pause(failed); got != want {
			t.Errorf("after %d failures: %s, want %s", failed, got, want)
		}
	}
	if got := s.pause(1_000_000); got != time.Minute {
		t.Errorf("after a million failures: %s", got)
	}
}
