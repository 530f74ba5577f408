package session

import (
	"context"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// The server's machine or its network is gone within a transaction. PostgreSQL would keep the locks for two hours.
func TestTheLocksOfAVanishedServerAreFreed(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pgtest.Exec(t, address, "CREATE TABLE slots (n int); INSERT INTO slots VALUES (1)")
	proxy := pgtest.NewProxy(t, address)
	vanishing := openTest(t, proxy.URL, 1, Timeouts{Idle: time.Second})
	tx, err := vanishing.BeginTx(context.Background(), nil)
	if err == nil {
		_, err = tx.Exec("UPDATE slots SET n = 2")
	}
	if err != nil {
		t.Fatal(err)
	}
	closeAll := proxy.Cut()
	defer closeAll()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := openTest(t, address, 1, Timeouts{}).ExecContext(ctx, "UPDATE slots SET n = 3"); err != nil {
		t.Errorf("another server waits for the lock: %v", err)
	}
}

func TestPostgreSQLNoticesWithinAMinuteThatTheNetworkIsGone(t *testing.T) {
	t.Parallel()
	for _, s := range keepaliveSettings {
		var got string
		err := openTest(t, pgtest.URL(t), 1, Timeouts{}).QueryRow("SELECT reset_val FROM pg_settings WHERE name = $1", s.name).Scan(&got)
		if err != nil || got != s.value {
			t.Errorf("%s is %q, want %q (%v)", s.name, got, s.value, err)
		}
	}
}

// A pool whose sessions have all lost their network would wait for pgx, which drains each for 15 seconds.
func TestALostSessionIsReplacedAfterTheCloseTimeout(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	pool := openTest(t, proxy.URL, 1, Timeouts{})
	if err := pool.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeAll := proxy.Cut()
	defer closeAll()
	ended, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pool.ExecContext(ended, "SELECT pg_sleep(1)"); err == nil {
		t.Fatal("a lost session returns a result")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*closeTimeout/2)
	defer cancel()
	if err := pool.PingContext(ctx); err != nil {
		t.Errorf("no session takes the place of the lost one: %v", err)
	}
}
