package httpserver_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The deadline of a request cancels a waiting statement in the database.
func TestADeadlineCancelsTheStatementInTheDatabase(t *testing.T) {
	database := storetest.PostgreSQL(t)
	store := storetest.Open(t, database)
	server := newServer(t, store, func(o *options) { o.Limits.Handle = 300 * time.Millisecond })
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE current_slots IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	if answer := server.get(""); answer.status != 504 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
	waiting := 1
	for deadline := time.Now().Add(10 * time.Second); waiting > 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'current_slots'::regclass").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	if waiting > 0 {
		t.Error("the statement still waits in the database")
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	answer := server.get("")
	for tries := 1; answer.status == 504 && tries < 20; tries++ { // a busy machine may take longer than the deadline
		answer = server.get("")
	}
	if answer.status != 200 {
		t.Errorf("afterwards: got %d %s", answer.status, answer.body)
	}
}
