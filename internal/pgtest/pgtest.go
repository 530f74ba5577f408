// Package pgtest gives tests a real PostgreSQL server: the one that TEST_DATABASE_URL names, or a cluster that the test
// process starts from the machine's server binaries and removes at its end.
//
// All tests of a process share one server, and URL creates a database for each test, so tests may call t.Parallel. A
// cluster accepts 200 connections (maxConnections). A store opens up to 10 by default, and the number of parallel tests
// is GOMAXPROCS by default, so that machines with up to 16 cores stay below the limit; beyond, lower -parallel. A server of
// TEST_DATABASE_URL has a limit of its own, PostgreSQL's default being 100.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sharedCluster stays referenced: the server stops when the pipe to it is closed, as the garbage collector would do.
var sharedCluster *Cluster

// sharedURL starts the process's server on the first call and returns its URL.
var sharedURL = sync.OnceValues(func() (string, error) {
	if external := os.Getenv("TEST_DATABASE_URL"); external != "" {
		return external, nil
	}
	var err error
	if sharedCluster, err = Launch(withoutSync...); err != nil {
		return "", err
	}
	return sharedCluster.URL(), nil
})

// URL creates an empty database and returns its URL. The database is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	return copyOf(t, "template0")
}

// Copies returns a function like URL whose databases are copies of one that prepare fills on the first call. On the server
// of TEST_DATABASE_URL, prepare fills each: a template would stay behind.
func Copies(prepare func(databaseURL string) error) func(t testing.TB) string {
	var lock sync.Mutex
	var template string
	return func(t testing.TB) string {
		t.Helper()
		if os.Getenv("TEST_DATABASE_URL") != "" {
			return prepared(t, URL(t), prepare)
		}
		lock.Lock()
		defer lock.Unlock()
		if template == "" {
			name := newName()
			prepared(t, create(t, name, "template0"), prepare)
			template = name
		}
		return copyOf(t, template)
	}
}

func prepared(t testing.TB, databaseURL string, prepare func(databaseURL string) error) string {
	t.Helper()
	if err := prepare(databaseURL); err != nil {
		t.Fatalf("prepare a database: %v", err)
	}
	return databaseURL
}

// copyOf creates a copy of a database, which is dropped when the test ends.
func copyOf(t testing.TB, template string) string {
	t.Helper()
	name := newName()
	databaseURL := create(t, name, template)
	t.Cleanup(func() { execOnServer(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return databaseURL
}

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

func create(t testing.TB, name, template string) (databaseURL string) {
	t.Helper()
	execOnServer(t, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE "+template+" STRATEGY file_copy")
	server, _ := sharedURL()
	return edit(t, server, func(u *url.URL) { u.Path = "/" + name })
}

func execOnServer(t testing.TB, sql string) {
	t.Helper()
	server, err := sharedURL()
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v", err)
	}
	Exec(t, server, sql)
}

// WithUser returns the URL with another role.
func WithUser(t testing.TB, databaseURL, user, password string) string {
	t.Helper()
	return edit(t, databaseURL, func(u *url.URL) { u.User = url.UserPassword(user, password) })
}

func edit(t testing.TB, databaseURL string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatalf("database URL: %v", err)
	}
	change(u)
	return u.String()
}

// Exec runs SQL on a database with the role of the URL.
func Exec(t testing.TB, databaseURL, sql string) {
	t.Helper()
	connected(t, databaseURL, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return describe(sql, err)
	})
}

// QueryBool returns the only value of a query.
func QueryBool(t testing.TB, databaseURL, sql string) (value bool) {
	t.Helper()
	connected(t, databaseURL, func(ctx context.Context, conn *pgx.Conn) error {
		return describe(sql, conn.QueryRow(ctx, sql).Scan(&value))
	})
	return value
}

func describe(sql string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// connected fails the test if it cannot connect or do fails.
func connected(t testing.TB, databaseURL string, do func(ctx context.Context, conn *pgx.Conn) error) {
	t.Helper()
	// Not t.Context(), which is canceled before the cleanup functions run.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatalf("connect to PostgreSQL: %v", err)
	}
	defer conn.Close(ctx)
	if err := do(ctx, conn); err != nil {
		t.Fatal(err)
	}
}

// Accepts reports whether a server accepts a connection within a minute, in which it may recover from a crash.
func Accepts(databaseURL string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := pgx.Connect(ctx, databaseURL)
		if err == nil {
			_ = conn.Close(ctx)
			return true
		}
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "57P03" {
			return false // nobody listens
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}
