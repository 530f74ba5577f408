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

// serverOf returns an HTTP server with the handler.
func serverOf(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return &server{address: strings.TrimPrefix(s.URL, "http://"), token: "the-token"}
}

// connectTest opens clients of the server for the duration of the test.
func (s *server) connectTest(t *testing.T, count int) *clients {
	t.Helper()
	all, err := s.connect(t.Context(), count, always(s.request("GET", "/", "")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.close)
	return all
}

func TestConnectionReadsEveryFormOfResponse(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 10_000)
	s := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
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
	defer c.Close()
	for range 2 { // the rest of a response would become the beginning of the next
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
			if err := c.do(s.request(want.method, want.path, want.body), io.Discard); err != nil {
				t.Errorf("%s %s: %v", want.method, want.path, err)
			}
		}
		if err := c.do(s.request("GET", "/other", ""), io.Discard); err == nil || !strings.Contains(err.Error(), "status 404: no such thing") {
			t.Errorf("another status: %v", err)
		}
	}
}

func TestSaturatedRateIsTheCapacityOfTheServer(t *testing.T) {
	var requests atomic.Int64
	s := serverOf(t, func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		time.Sleep(20 * time.Millisecond)
	})
	rate, err := s.connectTest(t, 4).saturate(t.Context(), 400*time.Millisecond)
	if err != nil || rate < 20 || rate > 201 {
		t.Errorf("%v, %v: want at most 4 connections with 50 a second each", rate, err)
	}
	if n := requests.Load(); float64(n) < rate*0.4 {
		t.Errorf("the server received %d requests", n)
	}
}

// A load that waits for responses sends fewer requests to a slow server and hides the time that requests wait.
func TestArrivalsDoNotWaitForTheServer(t *testing.T) {
	s := serverOf(t, func(http.ResponseWriter, *http.Request) { time.Sleep(10 * time.Millisecond) })
	idle, err := s.connectTest(t, 8).arrive(t.Context(), 50, time.Second)
	if err != nil || len(idle) < 30 || len(idle) > 75 {
		t.Fatalf("%d arrivals, %v", len(idle), err)
	}
	if m := median(idle); m < 0.010 || m > 0.050 {
		t.Errorf("the median is %v", m)
	}
	// Twice the capacity of one connection: the last request waits for half of the duration.
	busy, err := s.connectTest(t, 1).arrive(t.Context(), 200, 500*time.Millisecond)
	if err != nil || len(busy) < 70 {
		t.Fatalf("%d arrivals, %v", len(busy), err)
	}
	if last := busy[len(busy)-1]; last < 0.2 {
		t.Errorf("the last took %v", last)
	}
}

// At the rate of a slow server no request arrives within a short duration, and no latencies have no percentiles.
func TestLoadWithoutArrivalsIsAnError(t *testing.T) {
	s := serverOf(t, func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	load := halfLoad{clients: s.connectTest(t, 1)}
	if err := load.run(t.Context(), 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no request arrived in 5ms at ") {
		t.Errorf("got %v, %+v", err, load.percentiles)
	}
}

func TestLoadWithErrorResponsesIsAnError(t *testing.T) {
	s := serverOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	if _, err := s.connectTest(t, 2).saturate(t.Context(), time.Second); err == nil {
		t.Error("got a rate of error responses")
	}
	if _, err := s.connectTest(t, 2).arrive(t.Context(), 100, time.Second); err == nil {
		t.Error("got latencies of error responses")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.connectTest(t, 2).saturate(ended, time.Second); err == nil {
		t.Error("got no error after the context ended")
	}
}
