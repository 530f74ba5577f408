package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/journal"
	"github.com/deployrecords/deployrecords/internal/racetest"
)

const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"

// send sends a request to a server that repeats the body, and whose exchanges the journal keeps.
func send(j *journal.Journal, method, target, body string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Custom", "a "+token+" b")
	j.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=secret")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.Copy(w, r.Body)
	})).ServeHTTP(httptest.NewRecorder(), r)
}

func TestAThousandRequestsAreCountedExactly(t *testing.T) {
	var j journal.Journal
	var sending sync.WaitGroup
	for client := range 10 {
		sending.Go(func() {
			for i := range 100 {
				send(&j, http.MethodPost, fmt.Sprintf("/v1/deployments?client=%d&i=%d", client, i), "a body")
			}
		})
	}
	sending.Wait()
	found := j.Find(journal.Filter{}, 2000)
	if found.Count != 1000 || len(found.Exchanges) != 1000 || found.Dropped != 0 {
		t.Fatalf("got %d, %d, %d dropped", found.Count, len(found.Exchanges), found.Dropped)
	}
	seen := map[string]bool{}
	for i, e := range found.Exchanges {
		seen[e.Query] = true
		if e.Number != int64(i+1) || e.Method != http.MethodPost || e.Body != "a body" || e.BodyBytes != 6 || e.ResponseBody != "a body" || e.ResponseBytes != 6 || e.Status != http.StatusTeapot {
			t.Fatalf("got %+v", e)
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d different requests", len(seen))
	}
	for want, filter := range map[int]journal.Filter{
		100: {Query: url.Values{"client": {"3"}}},
		10:  {Query: url.Values{"i": {"7"}}, Path: "/v1/deployments", Method: http.MethodPost, Status: http.StatusTeapot},
		1:   {After: 999},
		0:   {Method: http.MethodGet},
	} {
		if got := j.Find(filter, 5); got.Count != want || len(got.Exchanges) != min(want, 5) {
			t.Errorf("%+v: got %d", filter, got.Count)
		}
	}
}

func TestAFullJournalDropsTheOldest(t *testing.T) {
	racetest.Skip(t)
	var j journal.Journal
	for i := range 10_005 {
		send(&j, http.MethodGet, fmt.Sprint("/", i), "")
	}
	found := j.Find(journal.Filter{}, 1)
	if found.Count != 10_000 || found.Dropped != 5 || found.Exchanges[0].Path != "/5" || found.Exchanges[0].Number != 6 {
		t.Errorf("got %d, %d dropped, %+v", found.Count, found.Dropped, found.Exchanges[0])
	}
	j.Clear()
	large := strings.Repeat("x", 100<<10)
	for range 600 { // request and response take 128 KiB of the 64 MiB
		send(&j, http.MethodPost, "/", large)
	}
	found = j.Find(journal.Filter{}, 1)
	if found.Count < 480 || found.Count > 512 || found.Dropped != int64(600-found.Count) {
		t.Errorf("%d large exchanges, %d dropped", found.Count, found.Dropped)
	}
	if e := found.Exchanges[0]; len(e.Body) != 64<<10 || e.BodyBytes != 100<<10 || len(e.ResponseBody) != 64<<10 || e.ResponseBytes != 100<<10 {
		t.Errorf("kept %d of %d and %d of %d bytes", len(e.Body), e.BodyBytes, len(e.ResponseBody), e.ResponseBytes)
	}
}

func TestTokensAreNeverKept(t *testing.T) {
	var j journal.Journal
	cut := strings.Repeat("x", 64<<10-len(token)/2) // the end of what is kept is within the token
	send(&j, http.MethodPost, "/"+token+"?access_token="+token, cut+token)
	e := j.Find(journal.Filter{}, 1).Exchanges[0]
	if text := fmt.Sprintf("%+v", e); strings.Contains(text, "eyJ") || strings.Contains(text, "secret") {
		t.Errorf("kept %.300s … %s", text, text[len(text)-300:])
	}
	for got, want := range map[string]string{
		e.Path: "/(not shown)", e.Query: "access_token=(not shown)", e.Header.Get("Authorization"): "Bearer (not shown)",
		e.Header.Get("X-Custom"): "a (not shown) b", e.ResponseHeader.Get("Set-Cookie"): "(not shown)",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWaitReturnsWithTheLastRequest(t *testing.T) {
	var j journal.Journal
	go func() {
		for range 3 {
			send(&j, http.MethodGet, "/", "")
		}
	}()
	found, err := j.Wait(t.Context(), journal.Filter{Method: http.MethodGet}, 10, 3)
	if err != nil || found.Count != 3 {
		t.Errorf("got %d, %v", found.Count, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if found, err := j.Wait(ctx, journal.Filter{}, 10, 4); err == nil || found.Count != 3 {
		t.Errorf("got %d, %v", found.Count, err)
	}
}

func TestRequestsBeforeClearAreDroppedAlsoIfTheyEndLater(t *testing.T) {
	var j journal.Journal
	j.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { j.Clear() })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/old", nil))
	send(&j, http.MethodGet, "/new", "")
	if found := j.Find(journal.Filter{}, 2); found.Count != 1 || found.Exchanges[0].Path != "/new" {
		t.Errorf("got %+v", found)
	}
}

// The server rejects the request without reading its body; the client has sent it all the same.
func TestTheBodyOfARejectedRequestIsKept(t *testing.T) {
	var j journal.Journal
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a body"))
	func() {
		defer func() { _ = recover() }()
		j.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).ServeHTTP(httptest.NewRecorder(), r)
	}()
	if found := j.Find(journal.Filter{}, 1); found.Count != 1 || found.Exchanges[0].Body != "a body" || found.Exchanges[0].Status != 0 {
		t.Errorf("got %+v", found)
	}
}

// The server answers 401 and 413 to a body that it has not received (R4), and the client of this one waits for the answer.
func TestALargeBodyIsRejectedBeforeItArrives(t *testing.T) {
	var j journal.Journal
	server := httptest.NewServer(j.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", 1<<20)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %v, %v", response, err)
	}
}
