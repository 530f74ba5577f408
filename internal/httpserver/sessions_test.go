package httpserver_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

const endOtherSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// The pool does not notice that its sessions have ended, as by a restart of the database, until it uses them.
func TestRequestsSucceedAfterTheirSessionsEnd(t *testing.T) {
	t.Parallel()
	database := storetest.PostgreSQL(t)
	server := newServer(t, storetest.Open(t, database))
	requests := map[string]func() answer{
		"list":   func() answer { return server.get("?full_history=true") },
		"record": func() answer { return server.post(recordPath, deployment(1)) },
		"ready":  func() answer { return server.do(http.MethodGet, "/readyz") },
	}
	for range 3 {
		var clients sync.WaitGroup
		for name, request := range requests {
			for range 4 {
				clients.Go(func() {
					if answer := request(); answer.status != http.StatusOK {
						t.Errorf("%s before: got %d %s", name, answer.status, answer.body)
					}
				})
			}
		}
		clients.Wait()
		pgtest.Exec(t, database, endOtherSessions)
		for name, request := range requests {
			for range 4 {
				if answer := request(); answer.status != http.StatusOK {
					t.Errorf("%s: got %d %s", name, answer.status, answer.body)
				}
			}
		}
	}
}

// A request that its client has abandoned would leave a session that still works, and the pool would open another one.
func TestClientsThatDisconnectDoNotMultiplySessions(t *testing.T) {
	t.Parallel()
	const clients = 3
	database := storetest.PostgreSQL(t)
	server := newServer(t, storetest.Open(t, database))
	observer := storetest.OpenSQL(t, database)
	sessions := func() (pids map[int]bool) {
		rows, err := observer.Query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'deployrecords'")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		pids = make(map[int]bool)
		for rows.Next() {
			var pid int
			if err := rows.Scan(&pid); err != nil {
				t.Fatal(err)
			}
			pids[pid] = true
		}
		return pids
	}
	holder := storetest.Begin(t, observer, "LOCK TABLE current_slots IN ACCESS EXCLUSIVE MODE")
	used := make(map[int]bool)
	for range 4 {
		var sent []interface{ Close() error }
		for range clients {
			sent = append(sent, server.sent())
		}
		storetest.WaitForLocks(t, observer, clients)
		for pid := range sessions() {
			used[pid] = true
		}
		for _, conn := range sent {
			_ = conn.Close()
		}
		storetest.WaitForLocks(t, observer, 0)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	// One session may be lost on a busy machine.
	if len(used) > 2*clients {
		t.Errorf("the requests of %d clients at a time used %d sessions", clients, len(used))
	}
	if answer := server.get(""); answer.status != http.StatusOK {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}
