package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// sent sends a listing request on a new connection.
func (s *testServer) sent() *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /v1/deployments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token(s.t, "acme")); err != nil {
		s.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// logged waits for the log line of a request and returns the log.
func (s *testServer) logged() string {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if log := s.log.String(); strings.Contains(log, "msg=request ") {
			return log
		}
	}
	s.t.Fatalf("no request is logged:\n%s", s.log)
	return ""
}

func wantDisconnected(t *testing.T, log string) {
	t.Helper()
	if !strings.Contains(log, "route=/v1/deployments status=499 ") || strings.Contains(log, "request failed") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has another result:\n%s", log)
	}
}

func TestAClientThatDisconnectsDuringProcessingIsNotAFailure(t *testing.T) {
	started := make(chan struct{}, 1)
	server := newServer(t, stubStore{list: func(ctx context.Context) (deployments.Result, error) {
		started <- struct{}{}
		<-ctx.Done()
		return deployments.Result{}, fmt.Errorf("%w (the driver's text)", ctx.Err())
	}})
	conn := server.sent()
	<-started
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	wantDisconnected(t, server.logged())
}

// The driver reports a canceled statement with an error of its own.
func TestAClientThatDisconnectsDuringAStatementIsNotAFailure(t *testing.T) {
	database := storetest.PostgreSQL(t)
	server := newServer(t, storetest.Open(t, database))
	locked, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close(context.Background())
	if _, err := locked.Exec(t.Context(), "BEGIN; LOCK TABLE current_slots IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	conn := server.sent()
	waiting := 0
	for deadline := time.Now().Add(10 * time.Second); waiting == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		err := locked.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'current_slots'::regclass").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	wantDisconnected(t, server.logged())
}

func TestAClientThatDisconnectsDuringTheResponseIsNotAFailure(t *testing.T) {
	// Larger than the buffers of the connection.
	long := deployments.Result{Records: []deployments.Record{{EnvironmentName: strings.Repeat("x", 64<<20)}}, Total: 1}
	server := newServer(t, stubStore{list: func(context.Context) (deployments.Result, error) { return long, nil }})
	conn := server.sent()
	if _, err := io.ReadFull(conn, make([]byte, 1<<10)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	wantDisconnected(t, server.logged())
}

func TestAServerFailureIsLoggedAfterTheClientDisconnects(t *testing.T) {
	started := make(chan struct{}, 1)
	server := newServer(t, stubStore{list: func(ctx context.Context) (deployments.Result, error) {
		started <- struct{}{}
		<-ctx.Done()
		return deployments.Result{}, errors.New("the disk is broken")
	}})
	conn := server.sent()
	<-started
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if log := server.logged(); !strings.Contains(log, "level=ERROR msg=\"request failed\"") || !strings.Contains(log, "the disk is broken") || !strings.Contains(log, "route=/v1/deployments status=500 ") {
		t.Errorf("the log lacks the failure:\n%s", log)
	}
}

func TestARequestThatShutdownInterruptsIsAFailure(t *testing.T) {
	started := make(chan struct{}, 1)
	server := newServer(t, stubStore{list: func(ctx context.Context) (deployments.Result, error) {
		started <- struct{}{}
		<-ctx.Done()
		return deployments.Result{}, ctx.Err()
	}}, func(o *options) { o.Limits.Shutdown = 50 * time.Millisecond })
	server.sent()
	<-started
	if err := server.stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the stop ended with %v", err)
	}
	if log := server.logged(); !strings.Contains(log, "level=ERROR msg=\"request failed\"") || !strings.Contains(log, "route=/v1/deployments status=503 ") {
		t.Errorf("the log lacks the failure:\n%s", log)
	}
}

// Go ends a request's context at the end of its connection's input.
func TestAClientThatClosesItsSendingSideCountsAsDisconnected(t *testing.T) {
	started := make(chan struct{}, 1)
	server := newServer(t, stubStore{list: func(ctx context.Context) (deployments.Result, error) {
		started <- struct{}{}
		<-ctx.Done()
		return deployments.Result{}, ctx.Err()
	}})
	conn := server.sent()
	<-started
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantDisconnected(t, server.logged())
	response, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(response), "HTTP/1.1 503 ") {
		t.Errorf("got %s", response)
	}
}
