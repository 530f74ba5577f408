package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// heldStore holds recordings back in organizations that are held.
type heldStore struct {
	*store.Store
	mu      sync.Mutex
	held    map[string]chan struct{} // closed to let the recordings go on
	running map[string]int
}

func newHeldStore(t *testing.T, organizations ...string) *heldStore {
	t.Helper()
	s := &heldStore{Store: storetest.Open(t, storetest.Engines[1].Migrated(t)), held: map[string]chan struct{}{}, running: map[string]int{}}
	for _, organization := range organizations {
		s.held[organization] = make(chan struct{})
	}
	return s
}

func (s *heldStore) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	s.mu.Lock()
	held := s.held[organization]
	s.running[organization]++
	s.mu.Unlock()
	if held != nil && len(batch.Items) > 1 {
		<-held
	}
	s.mu.Lock()
	s.running[organization]--
	s.mu.Unlock()
	return s.Store.Record(ctx, organization, batch)
}

// requireRunning waits until that many recordings of the organization run, and requires that no more do a moment later.
func (s *heldStore) requireRunning(t *testing.T, organization string, want int) {
	t.Helper()
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running[organization]
	}
	for deadline := time.Now().Add(10 * time.Second); count() < want && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if got := count(); got != want {
		t.Fatalf("%d recordings of %s run, want %d", got, organization, want)
	}
}

// largeBatch is a batch of more bytes than a body that needs no place.
func largeBatch() string {
	var items []string
	for i := range 600 {
		items = append(items, named(fmt.Sprint("app-", i), i))
	}
	return batchBody("", items...)
}

func (s *testServer) postAs(organization, path, body string) answer {
	s.t.Helper()
	return s.post(path, body, "Authorization: Bearer "+s.writerOf(organization))
}

func TestAnOrganizationsLargeBodiesLeaveProcessorsToOthers(t *testing.T) {
	t.Parallel()
	each := max(runtime.GOMAXPROCS(0)/2, 1)
	s := newHeldStore(t, "acme", "other")
	server := newServer(t, s, func(o *options) { o.LargeBodies, o.Limits.Handle = admission.NewLargeBodyGate(0), 5*time.Minute })
	var posts sync.WaitGroup
	post := func(organization string) {
		posts.Go(func() {
			if answer := server.postAs(organization, batchPath, largeBatch()); answer.status != http.StatusOK {
				t.Errorf("%s: got %d %.200s", organization, answer.status, answer.body)
			}
		})
	}
	for range each + 2 {
		post("acme")
	}
	s.requireRunning(t, "acme", each)
	for name, answer := range map[string]answer{
		"a small batch of the organization": server.postAs("acme", batchPath, batchBody("", deployment(1))),
		"a recording of another one":        server.postAs("other", recordPath, deployment(1)),
		"a listing of the organization":     server.get(""),
	} {
		if answer.status != http.StatusOK {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
	post("other")
	s.requireRunning(t, "other", 1)
	close(s.held["other"])
	close(s.held["acme"])
	posts.Wait()
}

func TestALargeBodyHasNoPlaceWhileItArrives(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, waitForBodies, func(o *options) { o.LargeBodies = admission.NewLargeBodyGate(time.Second) })
	var slow []*slowBody
	for range max(runtime.GOMAXPROCS(0)/2, 1) {
		slow = append(slow, server.slowBody("acme", 200<<10))
	}
	time.Sleep(100 * time.Millisecond) // for the bytes to arrive
	if answer := server.postAs("acme", batchPath, largeBatch()); answer.status != http.StatusOK {
		t.Errorf("got %d %.200s", answer.status, answer.body)
	}
	for _, body := range slow {
		if status := body.finish(t); status != http.StatusOK {
			t.Errorf("a slow body: got %d", status)
		}
	}
}

// The server rejects a body that would wait too long, and does not ask the client to send it.
func TestALargeBodyOfAnOverloadedOrganizationIsNotRead(t *testing.T) {
	t.Parallel()
	each := max(runtime.GOMAXPROCS(0)/2, 1)
	s := newHeldStore(t)
	server := newServer(t, s, func(o *options) { o.LargeBodies = admission.NewLargeBodyGate(time.Nanosecond) })
	if answer := server.postAs("acme", batchPath, largeBatch()); answer.status != http.StatusOK { // the server learns how long one takes
		t.Fatalf("got %d %.200s", answer.status, answer.body)
	}
	s.mu.Lock()
	s.held["acme"] = make(chan struct{})
	s.mu.Unlock()
	var posts sync.WaitGroup
	for n := range each {
		posts.Go(func() {
			if answer := server.postAs("acme", batchPath, largeBatch()); answer.status != http.StatusOK {
				t.Errorf("got %d %.200s", answer.status, answer.body)
			}
		})
		s.requireRunning(t, "acme", n+1)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\nAuthorization: Bearer %s\r\n\r\n",
		batchPath, server.writerOf("acme"))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "429") {
		t.Errorf("got %q, %v", line, err)
	}
	if answer := server.postAs("acme", recordPath, deployment(1)); answer.status != http.StatusOK {
		t.Errorf("a small body: got %d %s", answer.status, answer.body)
	}
	close(s.held["acme"])
	posts.Wait()
}

func TestARateLimitIsPerSubject(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, func(o *options) { o.Limits.Rate = 2 })
	get := func(organization, subject, query string) answer {
		return server.do(http.MethodGet, "/v1/deployments"+query, "Authorization: Bearer "+token(t, organization, func(r *auth.MintRequest) { r.Subject = subject }))
	}
	var limited answer
	var took time.Duration
	for n := 0; limited.status != http.StatusTooManyRequests; n++ {
		if n > 1000 {
			t.Fatal("no request was rejected")
		}
		began := time.Now()
		limited = get("acme", "ci", "?pagination.page=-1") // the limit precedes validation (R4)
		took = time.Since(began)
	}
	if retry, err := strconv.Atoi(limited.header.Get("Retry-After")); err != nil || retry != 1 {
		t.Errorf("Retry-After is %q", limited.header.Get("Retry-After"))
	}
	if body := limited.json(t); body["code"] != 8.0 || body["message"] != "the subject of the token sends more than 2 requests a second, try again" {
		t.Errorf("got %v", body)
	}
	if took < httpserver.RejectionPause { // a client that ignores Retry-After
		t.Errorf("the rejection took %v", took)
	}
	for name, answer := range map[string]answer{
		"another subject":                     get("acme", "dashboard", ""),
		"the same name in another one":        get("other", "ci", ""),
		"a token without a subject":           get("acme", "", ""),
		"a path that needs no token":          server.do(http.MethodGet, "/readyz"),
		"another path that needs none either": server.do(http.MethodGet, "/healthz"),
	} {
		if answer.status != http.StatusOK {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, func(o *options) { o.Limits.Connections = 2 })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		return conn
	}
	answered := func(conn net.Conn, patience time.Duration) bool {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, err := conn.Read(make([]byte, 1))
		return err == nil
	}
	first, second := dial(), dial()
	defer second.Close()
	if !answered(first, 10*time.Second) || !answered(second, 10*time.Second) {
		t.Fatal("a connection within the limit was not accepted")
	}
	third := dial()
	defer third.Close()
	if answered(third, 100*time.Millisecond) {
		t.Error("a connection beyond the limit was accepted")
	}
	_ = first.Close()
	if !answered(third, 10*time.Second) {
		t.Error("the connection was not accepted after another one was closed")
	}
}
