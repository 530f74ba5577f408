package replicas_test

import (
	"context"
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
	"github.com/deployrecords/deployrecords/internal/store/session"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestAURLIsSplitIntoItsHosts(t *testing.T) {
	t.Parallel()
	for replicaURL, want := range map[string][]string{
		"postgres://u:p@one/db":                            {"one 5432"},
		"postgres://u:p@one:1,two:2/db?sslmode=prefer":     {"one 1", "two 2"},
		"postgres://u:p@/db?host=one,two&port=5433":        {"one 5433", "two 5433"},
		"postgres://u@/db?host=/a,/b&sslmode=verify-full":  {"/a 5432", "/b 5432"},
		"postgres://u:p@one:1,one:2/db?connect_timeout=10": {"one 1", "one 2"},
	} {
		if got := replicas.Hosts(replicaURL); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", replicaURL, got, want)
		}
	}
}

func TestReplicaURLsOfOtherDatabasesAreRejected(t *testing.T) {
	t.Parallel()
	for replicaURL, want := range map[string]string{
		"sqlite://x.db":           "SQLite, which has no standbys",
		"mysql://u:hunter2@h/db":  "neither postgres:// nor",
		"postgres://u:hunter2@[x": "not of the form",
	} {
		if err := replicas.CheckURL(replicaURL); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", replicaURL, err)
		}
	}
}

// where counts the nodes that answer reads, by the directory of their sockets.
type where map[string]int

// node reads which node a connection is to.
func node(tx *gorm.DB) (name string, err error) {
	err = tx.Raw("SELECT current_setting('unix_socket_directories')").Row().Scan(&name)
	return name, err
}

func reads(t *testing.T, set *replicas.Set, n int) where {
	t.Helper()
	answers := where{}
	for range n {
		var name string
		if !set.Read(t.Context(), func(tx *gorm.DB) (err error) { name, err = node(tx); return err }) {
			name = "primary"
		}
		answers[name]++
	}
	return answers
}

// openSet opens a set whose standbys have time to replay on a busy machine.
func openSet(t *testing.T, primaryURL string, standbys ...*pgtest.Cluster) *replicas.Set {
	t.Helper()
	set, err := replicas.Open(replicas.Options{PrimaryURL: primaryURL, URL: pgtest.MultiHostURL(nil, standbys...), MaxLag: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set
}

// eventually waits for a state that a probe brings about.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// Standbys reject transactions that may write, as those of a pooler would by default.
func TestStandbysAnswerReadsThatSetTheirOwnSettings(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	standby := primary.NewStandby(t)
	set, err := replicas.Open(replicas.Options{
		PrimaryURL: primary.URL(), URL: pgtest.MultiHostURL(nil, standby), MaxLag: 5 * time.Second, Session: session.Options{PerTransaction: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := reads(t, set, 5); got[directory(t, standby)] != 5 {
		t.Errorf("got %v", got)
	}
}

func directory(t *testing.T, c *pgtest.Cluster) string {
	t.Helper()
	u, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

func TestReadsAvoidStandbysThatFail(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t, "max_standby_streaming_delay=0")
	one, two := primary.NewStandby(t), primary.NewStandby(t)
	first, second := directory(t, one), directory(t, two)
	pgtest.Exec(t, primary.URL(), "CREATE TABLE written (n int)")
	set := openSet(t, primary.URL(), one, two)

	if got := reads(t, set, 10); got[first] != 5 || got[second] != 5 {
		t.Errorf("two standbys: got %v", got)
	}

	// The standby ends the read with 40001 to replay an exclusive lock. It stays in use.
	conflicts := 0
	answered := set.Read(t.Context(), func(tx *gorm.DB) error {
		if conflicts++; conflicts > 1 {
			return nil
		}
		name, err := node(tx)
		if err != nil {
			return err
		}
		go pgtest.Exec(t, primary.URL(), "BEGIN; LOCK TABLE written IN ACCESS EXCLUSIVE MODE; INSERT INTO written VALUES (1); COMMIT")
		err = tx.Exec("SELECT pg_sleep(60) FROM (SELECT count(*) FROM written) AS locks").Error
		if err == nil || !strings.Contains(err.Error(), "40001") {
			t.Errorf("%s: got %v", name, err)
		}
		return err
	})
	if got := reads(t, set, 10); !answered || conflicts != 2 || got[first] != 5 || got[second] != 5 {
		t.Errorf("after a recovery conflict: answered %t after %d reads, then %v", answered, conflicts, got)
	}

	// 57P01 excludes a standby until a probe succeeds.
	attempts := 0
	answered = set.Read(t.Context(), func(tx *gorm.DB) error {
		if attempts++; attempts > 1 {
			return nil
		}
		return tx.Exec("SELECT pg_terminate_backend(pg_backend_pid())").Error
	})
	if !answered || attempts != 2 {
		t.Errorf("after a terminated connection: answered %t after %d reads", answered, attempts)
	}
	eventually(t, "both standbys answer again", func() bool { got := reads(t, set, 2); return got[first] == 1 && got[second] == 1 })

	one.Stop()
	if got := reads(t, set, 10); got[second] != 10 {
		t.Errorf("the first standby is down: got %v", got)
	}
	two.Stop()
	if got := reads(t, set, 3); got["primary"] != 3 {
		t.Errorf("both standbys are down: got %v", got)
	}
	for _, c := range []*pgtest.Cluster{one, two} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both standbys answer again", func() bool { got := reads(t, set, 2); return got[first] == 1 && got[second] == 1 })
}

// A standby that a former primary has fed has replayed more than the new primary has written, and lacks what that wrote.
func TestAStandbyOfAnotherTimelineAnswersNothing(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	promoted, left := primary.NewStandby(t), primary.NewStandby(t)
	pgtest.Exec(t, promoted.URL(), "ALTER SYSTEM SET primary_conninfo = ''")
	pgtest.Exec(t, promoted.URL(), "SELECT pg_reload_conf()")
	promoted.WaitFor(t, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
	pgtest.Exec(t, primary.URL(), "CREATE TABLE lost AS SELECT n FROM generate_series(1, 20000) AS n")
	left.WaitFor(t, "SELECT to_regclass('lost') IS NOT NULL")
	// The promoted standby never gets what the other one has: asynchronous replication lost it.
	primary.Stop()
	promoted.Promote(t)
	set := openSet(t, promoted.URL(), left)
	lsn, timeline, err := set.Position(t.Context())
	if err != nil || timeline != 2 || !pgtest.QueryBool(t, left.URL(), "SELECT pg_last_wal_replay_lsn() > '"+lsn+"'") {
		t.Fatalf("the new primary is at %s of timeline %d, %v", lsn, timeline, err)
	}
	if got := reads(t, set, 3); got["primary"] != 3 {
		t.Errorf("a standby of the former primary: got %v", got)
	}
}

// The first host accepts connections and does not respond, as a machine that hangs.
func TestAHostThatDoesNotRespondIsNotTheOnlyOneTried(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	port, _ := hanging(t)
	set := openSet(t, pgtest.MultiHostURL(url.Values{
		"host": {"127.0.0.1," + directory(t, primary)}, "port": {port + ",5432"}, "target_session_attrs": {"read-write"}, "connect_timeout": {"30"},
	}), primary)
	eventually(t, "the second host returns its position", func() bool {
		_, timeline, err := set.Position(t.Context())
		return err == nil && timeline == 1
	})
}

// A large transaction leaves a record on the disk that ends beyond the end of the WAL there. No standby could replay it before
// the next commit.
func TestAPositionIsTheEndOfARecord(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t, "wal_writer_delay=10ms", "wal_writer_flush_after=0")
	pgtest.Exec(t, primary.URL(), "CREATE TABLE large (n int, text text); CREATE ROLE least LOGIN")
	set := openSet(t, pgtest.WithUser(t, primary.URL(), "least", ""), primary) // needs no rights
	db := storetest.OpenSQL(t, primary.URL())
	var done atomic.Bool
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		tx := storetest.Begin(t, db)
		for !done.Load() {
			if _, err := tx.Exec("INSERT INTO large SELECT n, repeat('x', 500) FROM generate_series(1, 2000) AS n"); err != nil {
				t.Error(err)
				return
			}
		}
		_ = tx.Rollback()
	}()
	aligned, unaligned := 0, 0
	for range 300 {
		lsn, _, err := set.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var position sql.Null[bool]
		if err := db.QueryRowContext(context.Background(), "SELECT (CAST($1 AS pg_lsn) - '0/0') % 8192 = 0", lsn).Scan(&position); err != nil {
			t.Fatal(err)
		}
		if position.V {
			aligned++
		} else {
			unaligned++
		}
	}
	done.Store(true)
	<-finished
	if aligned > unaligned/10 { // a record may end with a page
		t.Errorf("%d of %d positions end with a page", aligned, aligned+unaligned)
	}
}
