package replicas_test

import (
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
)

// The network loses the connections of one server to the primary. The primary still acknowledges writes of others.
func TestALostConnectionIsNoLostPrimary(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	standby := primary.NewStandby(t)
	pgtest.Exec(t, primary.URL(), "CREATE TABLE written (n int); INSERT INTO written VALUES (0)")
	standby.WaitFor(t, "SELECT to_regclass('written') IS NOT NULL")
	proxy := pgtest.NewProxy(t, primary.URL())
	set := openSet(t, proxy.URL, standby)
	if got := reads(t, set, 1); got["primary"] != 0 {
		t.Fatalf("before the loss: got %v", got)
	}
	pgtest.Exec(t, standby.URL(), "SELECT pg_wal_replay_pause()")
	for n := range 2 { // a loss may come while the session lost before is still closing
		closeAll := proxy.Cut()
		defer closeAll()
		pgtest.Exec(t, primary.URL(), "INSERT INTO written VALUES ("+strconv.Itoa(n+1)+")")
		var latest int
		if set.Read(t.Context(), func(tx *gorm.DB) error { return tx.Raw("SELECT max(n) FROM written").Row().Scan(&latest) }) {
			t.Errorf("after loss %d, the standby answered with write %d, and %d was acknowledged", n+1, latest, n+1)
		}
	}
}

// hanging starts a machine that accepts connections and does not respond, and counts them.
func hanging(t *testing.T) (port string, accepted *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, accepted
}

func TestWithoutAPrimaryAFailingStandbyIsTriedLast(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	standby := primary.NewStandby(t)
	name := directory(t, standby)
	port, accepted := hanging(t)
	set, err := replicas.Open(replicas.Options{PrimaryURL: primary.URL(), URL: pgtest.MultiHostURL(url.Values{
		"host": {"127.0.0.1," + name}, "port": {port + ",5432"}, "sslmode": {"disable"}, "connect_timeout": {"1"},
	}, standby), MaxLag: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	primary.Stop()
	const n = 20
	if got := reads(t, set, n); got[name] != n {
		t.Errorf("without a primary: got %v", got)
	}
	// A probe connects once a second.
	if got := accepted.Load(); got == 0 || got >= n/2 {
		t.Errorf("%d reads connected %d times to the standby that does not respond", n, got)
	}
}
