package session

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// countSessions returns the number of sessions with an application name.
func countSessions(t *testing.T, observer *sql.DB, name string) (n int) {
	t.Helper()
	// Workers of parallel statements are no sessions.
	err := observer.QueryRowContext(context.Background(),
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'", name).Scan(&n)
	if err != nil {
		t.Error(err)
	}
	return n
}

func named(t *testing.T, address, name string) string {
	return withQuery(t, address, func(query url.Values) { query.Set("application_name", name) })
}

func TestCancelledRequestsKeepWithinTheLimitAndHarmNoOthers(t *testing.T) {
	t.Parallel()
	const limit, cancelled, others, rounds = 4, 12, 2, 25
	address, name := pgtest.URL(t), t.Name()
	pool, observer := openTest(t, named(t, address, name), limit, Timeouts{}), openTest(t, address, 1, Timeouts{})

	requests := []func(ctx context.Context) error{
		func(ctx context.Context) error { return pool.QueryRowContext(ctx, "SELECT pg_sleep(30)").Err() },
		func(ctx context.Context) error {
			return pool.QueryRowContext(ctx, "SELECT count(*) FROM generate_series(1, 50000)").Err()
		},
		func(ctx context.Context) error {
			tx, err := pool.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "SELECT pg_sleep(0.01)"); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			return tx.Commit()
		},
	}
	var clients, rest sync.WaitGroup
	var ended, observed atomic.Bool
	for range cancelled {
		clients.Go(func() {
			for n := range rounds {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.Int64N(int64(40*time.Millisecond))))
				_ = requests[n%len(requests)](ctx)
				cancel()
			}
		})
	}
	for range others {
		rest.Go(func() {
			for !observed.Load() {
				if _, err := pool.Exec("SELECT 1"); err != nil {
					t.Errorf("a request that nobody cancelled: %v", err)
				}
			}
		})
	}
	most := 0
	rest.Go(func() {
		// On a busy machine, the requests that nobody cancels get their sessions late.
		for deadline := time.Now().Add(time.Minute); !ended.Load() || most < 2 && time.Now().Before(deadline); {
			most = max(most, countSessions(t, observer, name))
		}
		observed.Store(true)
	})
	clients.Wait()
	ended.Store(true)
	rest.Wait()
	if most > limit || most < 2 {
		t.Errorf("saw up to %d sessions, the limit is %d", most, limit)
	}
}

func TestACancelledStatementKeepsItsSession(t *testing.T) {
	t.Parallel()
	pool := openTest(t, pgtest.URL(t), 1, Timeouts{})
	for name, wait := range map[string]func(ctx context.Context) error{
		"statement": func(ctx context.Context) error { return pool.QueryRowContext(ctx, "SELECT pg_sleep(30)").Err() },
		"transaction": func(ctx context.Context) error {
			tx, err := pool.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "SELECT pg_sleep(30)")
			return err
		},
	} {
		const cancellations = 5
		pids := map[int]bool{}
		for range cancellations {
			var pid int
			if err := pool.QueryRow("SELECT pg_backend_pid()").Scan(&pid); err != nil {
				t.Fatal(err)
			}
			pids[pid] = true
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if err := wait(ctx); err == nil {
				t.Errorf("%s: not cancelled", name)
			}
			cancel()
		}
		// A busy machine may take longer than cancelTimeout for one of them.
		if len(pids) == cancellations {
			t.Errorf("%s: each cancellation took a session", name)
		}
	}
}

// The server continues a statement that it cannot cancel. Its session counts until it has ended.
func TestASessionThatIsBusyAfterItsTimeoutIsNotReplaced(t *testing.T) {
	t.Parallel()
	address, name := pgtest.URL(t), t.Name()
	pool, observer := openTest(t, named(t, address, name), 1, Timeouts{}), openTest(t, address, 1, Timeouts{})
	// PostgreSQL sends each cancel request as two signals, which a busy machine delivers one after the other.
	const ignoresCancelRequests = `DO $$DECLARE ends timestamptz := clock_timestamp() + interval '3 seconds';
BEGIN
	WHILE clock_timestamp() < ends LOOP
		BEGIN PERFORM pg_sleep(0.2); EXCEPTION WHEN query_canceled THEN NULL; END;
	END LOOP;
END$$`
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pool.ExecContext(ctx, ignoresCancelRequests); err == nil {
		t.Error("not cancelled")
	}
	next := make(chan error, 1)
	go func() { next <- pool.PingContext(context.Background()) }()
	for most := 0; ; {
		most = max(most, countSessions(t, observer, name))
		select {
		case err := <-next:
			if err != nil || most != 1 {
				t.Errorf("saw up to %d sessions, the limit is 1; the next statement: %v", most, err)
			}
			return
		default:
		}
	}
}

// A statement whose context ends in the moment in which the statement does would otherwise send a cancel request that ends the
// next one.
func TestACancelRequestEndsNoLaterStatement(t *testing.T) {
	t.Parallel()
	pool := openTest(t, pgtest.URL(t), 1, Timeouts{})
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), cancelDelay+time.Duration(rand.Int64N(int64(time.Millisecond))))
		_, _ = pool.ExecContext(ctx, "SELECT pg_sleep(0.02)")
		cancel()
		if _, err := pool.Exec("SELECT pg_sleep(0.005)"); err != nil {
			t.Fatalf("the next statement: %v", err)
		}
	}
}

func TestAfterALossEachSessionIsTestedBeforeItsNextUse(t *testing.T) {
	t.Parallel()
	const limit = 4
	address, name := pgtest.URL(t), t.Name()
	pool, observer := openTest(t, named(t, address, name), limit, Timeouts{}), openTest(t, address, 1, Timeouts{})
	pool.SetMaxIdleConns(limit)
	for range 2 { // the second use follows the first within a second, which needs no test of the session
		var conns []*sql.Conn
		for range limit {
			conn, err := pool.Conn(t.Context())
			if err == nil {
				_, err = conn.ExecContext(t.Context(), "SELECT 1")
			}
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	if _, err := observer.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name); err != nil {
		t.Fatal(err)
	}
	for countSessions(t, observer, name) > 0 {
		time.Sleep(time.Millisecond)
	}
	failures := 0
	for range 2 * limit {
		if _, err := pool.Exec("SELECT 1"); err != nil {
			failures++
		}
	}
	if failures > 1 {
		t.Errorf("%d statements failed after all sessions were lost at once", failures)
	}
}

// A request may end between the moment it takes a session and the moment it uses it.
func TestARequestThatEndsBeforeItsStatementCostsNoSession(t *testing.T) {
	t.Parallel()
	pool := openTest(t, pgtest.URL(t), 1, Timeouts{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	held, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	err = held.Raw(func(conn any) error {
		c := conn.(*Conn)
		c.used = time.Time{} // so that it is tested
		_, queryErr := c.QueryContext(ended, "SELECT 1", nil)
		_, execErr := c.ExecContext(ended, "SELECT 1", nil)
		_, beginErr := c.BeginTx(ended, driver.TxOptions{})
		readErr := c.read(ended, "SELECT 1", nil, func(Rows) error { return nil })
		resetErr := c.ResetSession(ended)
		for what, err := range map[string]error{"query": queryErr, "exec": execErr, "begin": beginErr, "read": readErr} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		if resetErr != nil || !c.IsValid() {
			t.Errorf("the test of the session: got %v, valid %v", resetErr, c.IsValid())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
