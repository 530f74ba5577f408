package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/faults"
)

const body = `{"deployment_records":[],"pagination":{"page":0,"page_size":100,"total_count":0,"total_pages":0}}`

// serve starts a server with the faults of a set. It counts the requests that reach it and are not intercepted.
func serve(t *testing.T, s *faults.Set) (url string, reached func() int) {
	t.Helper()
	n := 0
	server := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if problem, ok := errors.AsType[*api.Problem](faults.Intercept(r)); ok {
			problem.Header(w.Header())
			w.WriteHeader(problem.Status)
			_, _ = w.Write(problem.Body())
			return
		}
		n++
		_, _ = io.WriteString(w, body)
	})))
	t.Cleanup(server.Close)
	return server.URL + "/v1/deployments", func() int { return n }
}

// add adds a valid fault.
func add(t *testing.T, s *faults.Set, f faults.Fault) faults.Added {
	t.Helper()
	if violations := s.Check(&f); len(violations) > 0 {
		t.Fatal(violations)
	}
	added, err := s.Add(f)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// get sends a request that no transport repeats, and returns the status, the header, the body, and the error of either.
func get(t *testing.T, url string, header ...string) (status int, got http.Header, text string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) > 0 {
		request.Header.Set("Prefer", header[0])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(read), err
}

func TestEachKindOfFaultReachesTheClientUntilItIsUsedUp(t *testing.T) {
	for name, c := range map[string]struct {
		fault faults.Fault
		// reached is whether the request has an effect.
		reached bool
		check   func(status int, header http.Header, text string, err error) bool
	}{
		"status": {
			faults.Fault{Kind: faults.Status, Status: 503, RetryAfter: 2 * time.Second, Message: "later"},
			false,
			func(status int, header http.Header, text string, err error) bool {
				return status == 503 && header.Get("Retry-After") == "2" && strings.Contains(text, `"message":"later"`) && err == nil
			},
		},
		"delay": {
			faults.Fault{Kind: faults.DelayOnly, Delay: faults.Delay{Fixed: time.Millisecond}},
			true,
			func(status int, _ http.Header, text string, err error) bool {
				return status == 200 && text == body && err == nil
			},
		},
		"trickle": {
			faults.Fault{Kind: faults.Trickle, Bytes: new(40), Pause: time.Millisecond},
			true,
			func(status int, _ http.Header, text string, err error) bool {
				return status == 200 && text == body && err == nil
			},
		},
		"truncate": {
			faults.Fault{Kind: faults.Truncate},
			true,
			func(status int, _ http.Header, text string, err error) bool {
				return status == 200 && text == body[:len(body)/2] && errors.Is(err, io.ErrUnexpectedEOF)
			},
		},
		"truncate before the first byte": {
			faults.Fault{Kind: faults.Truncate, Bytes: new(0)},
			true,
			func(status int, _ http.Header, text string, err error) bool {
				return status == 200 && text == "" && errors.Is(err, io.ErrUnexpectedEOF)
			},
		},
		"reset": {
			faults.Fault{Kind: faults.Reset},
			false,
			func(_ int, _ http.Header, _ string, err error) bool { return errors.Is(err, syscall.ECONNRESET) },
		},
		"malformed-json": {
			faults.Fault{Kind: faults.MalformedJSON},
			true,
			func(status int, header http.Header, text string, err error) bool {
				return status == 200 && header.Get("Content-Type") == "application/json" && strings.HasPrefix(body, text) && !json.Valid([]byte(text)) && err == nil
			},
		},
		"content-type": {
			faults.Fault{Kind: faults.ContentType},
			true,
			func(status int, header http.Header, text string, err error) bool {
				return status == 200 && header.Get("Content-Type") == "text/html" && text == body && err == nil
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := faults.NewSet(0, nil)
			url, reached := serve(t, s)
			c.fault.Times = 2
			c.fault.Match.Nth = 2
			added := add(t, s, c.fault)
			want := 0
			for n := 1; n <= 4; n++ {
				status, header, text, err := get(t, url)
				isFaulty := n == 2 || n == 3
				if isFaulty && !c.check(status, header, text, err) || !isFaulty && (status != 200 || text != body || err != nil) {
					t.Errorf("request %d: got %d, %v, %q, %v", n, status, header, text, err)
				}
				if c.reached || !isFaulty {
					want++
				}
			}
			if got := reached(); got != want {
				t.Errorf("%d requests reached the server, want %d", got, want)
			}
			if got := s.List(); len(got) != 1 || got[0].ID != added.ID || got[0].Used != 2 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestARequestHasTheFirstFaultThatMatches(t *testing.T) {
	s := faults.NewSet(0, nil)
	url, _ := serve(t, s)
	add(t, s, faults.Fault{Kind: faults.Status, Status: 500, Times: 1})
	second := add(t, s, faults.Fault{Kind: faults.Status, Status: 429})
	for _, want := range []int{500, 429, 429} {
		if status, _, _, err := get(t, url); status != want || err != nil {
			t.Errorf("got %d, %v, want %d", status, err, want)
		}
	}
	if !s.Remove(second.ID) || s.Remove(second.ID) {
		t.Error("Remove does not report what it removed")
	}
	if status, _, _, _ := get(t, url); status != 200 {
		t.Errorf("without faults: got %d", status)
	}
	for range 1000 { // the fault that is used up makes room
		add(t, s, faults.Fault{Kind: faults.Reset, Match: faults.Match{Path: "/nothing"}})
	}
	if _, err := s.Add(faults.Fault{Kind: faults.Reset}); !errors.Is(err, faults.ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

// delayed sends a request that a fault delays by the maximum, and returns once the delay has begun. The channel has the status of
// the answer.
func delayed(t *testing.T, s *faults.Set) (url string, answered <-chan int) {
	t.Helper()
	url, _ = serve(t, s)
	add(t, s, faults.Fault{Kind: faults.DelayOnly, Delay: faults.Delay{Fixed: faults.MaxDelay}})
	statuses := make(chan int)
	go func() {
		status, _, _, _ := get(t, url)
		statuses <- status
	}()
	for s.List()[0].Used == 0 {
		time.Sleep(time.Millisecond)
	}
	return url, statuses
}

func TestClearEndsDelays(t *testing.T) {
	s := faults.NewSet(0, nil)
	_, answered := delayed(t, s)
	s.Clear()
	if status := <-answered; status != 200 || len(s.List()) != 0 {
		t.Errorf("got %d, %v", status, s.List())
	}
}

func TestTheHeaderPreferSelectsTheAnswer(t *testing.T) {
	s := faults.NewSet(0, faults.Operations{"GET /v1/deployments": {Example: []byte("an example")}})
	url, reached := serve(t, s)
	for _, c := range []struct {
		prefer string
		status int
		text   string
	}{
		{"code=503", 503, `"code":14`},
		{`respond-async, code="403"; x=y`, 403, `"code":7`},
		{`comment="a, code=503; \", code=500", CODE=403, code=429`, 403, `"code":7`},
		{"code=200", 200, body},
		{"dynamic=true", 200, body},
		{"dynamic=false", 200, "an example"},
		{"wait=10", 200, body},
		{"code=299", 400, `Prefer: code=\"299\" is neither 200 nor an error of the API: those are 400,`},
		{"dynamic=maybe", 400, `Prefer: dynamic=\"maybe\" is neither true nor false`},
	} {
		if status, _, text, err := get(t, url, c.prefer); status != c.status || !strings.Contains(text, c.text) || err != nil {
			t.Errorf("%s: got %d %s, %v", c.prefer, status, text, err)
		}
	}
	if got := reached(); got != 4 {
		t.Errorf("%d requests reached the server", got)
	}
}

func TestWithAppliedNamesTheFaultOfARequest(t *testing.T) {
	s := faults.NewSet(0, nil)
	added := add(t, s, faults.Fault{Kind: faults.ContentType, Times: 1})
	var id string
	r := httptest.NewRequest(http.MethodGet, "/v1/deployments", nil)
	s.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r.WithContext(faults.WithApplied(context.Background(), &id)))
	if id != added.ID {
		t.Errorf("got %q", id)
	}
}
