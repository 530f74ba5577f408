package bench

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is a server of net/http that answers so.
func answering(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &server{address: strings.TrimPrefix(s.URL, "http://"), token: "the-token"}
}

// asking are so many clients of the server.
func (s *server) asking(t *testing.T, count int) *clients {
	t.Helper()
	all, err := s.clients(t.Context(), count, always(s.request("GET", "/", "")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.close)
	return all
}

func TestAConnectionReadsAnswersOfEveryForm(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 10_000)
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/short":
			_, _ = io.WriteString(w, r.Method+r.Header.Get("Authorization")+string(text))
		case "/long": // chunked
			_, _ = io.WriteString(w, long)
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "!")
		case "/empty":
		default:
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	})
	c, err := dial(t.Context(), s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 2 { // what is left of an answer would begin the next
		for _, want := range []struct{ method, path, body, answer string }{
			{"GET", "/short", "", "GETBearer the-token"},
			{"POST", "/short", "{}", "POSTBearer the-token{}"},
			{"GET", "/long", "", long + "!"},
			{"GET", "/empty", "", ""},
		} {
			var body bytes.Buffer
			if err := c.do(s.request(want.method, want.path, want.body), &body); err != nil || body.String() != want.answer {
				t.Errorf("%s %s: %v, %.40s", want.method, want.path, err, body.String())
			}
			if err := c.do(s.request(want.method, want.path, want.body), nil); err != nil {
				t.Errorf("%s %s: %v", want.method, want.path, err)
			}
		}
		if err := c.do(s.request("GET", "/other", ""), nil); err == nil || !strings.Contains(err.Error(), "status 404: no such thing") {
			t.Errorf("another status: %v", err)
		}
	}
}

func TestSaturationIsWhatTheServerCanDo(t *testing.T) {
	var asked atomic.Int64
	s := answering(t, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		time.Sleep(20 * time.Millisecond)
	})
	rate, err := saturate(t.Context(), s.asking(t, 4), 400*time.Millisecond)
	if err != nil || rate < 20 || rate > 201 {
		t.Errorf("%v, %v: 4 connections with 50 a second each", rate, err)
	}
	if n := asked.Load(); float64(n) < rate*0.4 {
		t.Errorf("%d were asked", n)
	}
}

// A load that waits for its answers would send fewer requests to a slow server, and tell of none that waited.
func TestArrivalsDoNotWaitForTheServer(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) { time.Sleep(10 * time.Millisecond) })
	idle, err := arrive(t.Context(), s.asking(t, 8), 50, time.Second)
	if err != nil || len(idle) < 30 || len(idle) > 75 {
		t.Fatalf("%d arrivals, %v", len(idle), err)
	}
	if m := median(idle); m < 0.010 || m > 0.050 {
		t.Errorf("the median is %v", m)
	}
	// Twice what one connection can do: the last waited half of the time.
	busy, err := arrive(t.Context(), s.asking(t, 1), 200, 500*time.Millisecond)
	if err != nil || len(busy) < 70 {
		t.Fatalf("%d arrivals, %v", len(busy), err)
	}
	if last := busy[len(busy)-1]; last < 0.2 {
		t.Errorf("the last took %v", last)
	}
}

// What a slow server can do leaves none for a short span, and none has neither a middle nor a slowest.
func TestALoadOfNoRequestsSaysThatNoneArrived(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	var found tails
	if err := found.add(t.Context(), s.asking(t, 1), 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no request arrived in 5ms at ") {
		t.Errorf("got %v, %+v", err, found)
	}
}

func TestALoadThatIsRefusedIsAnError(t *testing.T) {
	s := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	if _, err := saturate(t.Context(), s.asking(t, 2), time.Second); err == nil {
		t.Error("a rate of refusals")
	}
	if _, err := arrive(t.Context(), s.asking(t, 2), 100, time.Second); err == nil {
		t.Error("the time of refusals")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := saturate(ended, s.asking(t, 2), time.Second); err == nil {
		t.Error("no error after the end")
	}
}
