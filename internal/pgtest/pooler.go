package pgtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// PoolerSessions is the number of sessions that a pooler has in each database.
const PoolerSessions = 4

// Pooler is PgBouncer in transaction mode before the server of URL.
type Pooler struct{ dir string }

// NewPooler starts a pooler that ends with the test. It skips the test if PgBouncer is not installed, or the server has no Unix
// socket.
func NewPooler(t testing.TB) Pooler {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // its path in Debian, outside the PATH of users
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("pgbouncer is not installed")
	}
	address, err := sharedURL()
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v", err)
	}
	server, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	socket := server.Query().Get("host")
	if !strings.HasPrefix(socket, "/") {
		t.Skip("the server of TEST_DATABASE_URL has no Unix socket")
	}
	c, err := newCluster("", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Remove)
	dir := c.dir
	file, log := filepath.Join(dir, "pgbouncer.ini"), filepath.Join(dir, "log")
	settings := fmt.Sprintf(`[databases]
* = host=%s user=postgres
[pgbouncer]
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 1000
logfile = %s
`, socket, dir, PoolerSessions, log)
	// The shell stops PgBouncer when its standard input ends, which happens however this process ends.
	pooler, err := c.command("/bin/sh", "-c", `"$0" -q "$1" </dev/null & read -r ended; kill -TERM $!; wait`, program, file)
	if err = errors.Join(err, os.WriteFile(file, []byte(settings), 0o644)); err != nil {
		t.Fatal(err)
	}
	stdin, err := pooler.StdinPipe()
	if err = errors.Join(err, pooler.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = io.WriteString(stdin, "end\n")
		_ = pooler.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("unix", filepath.Join(dir, ".s.PGSQL.6432")); err == nil {
			_ = conn.Close()
			return Pooler{dir}
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log)
			t.Fatalf("PgBouncer did not start: %s", text)
		}
	}
}

// URL returns the URL of a database behind the pooler.
func (p Pooler) URL(t testing.TB, databaseURL string) string {
	t.Helper()
	return edit(t, databaseURL, func(u *url.URL) {
		query := u.Query()
		query.Set("host", p.dir)
		query.Set("port", "6432")
		u.RawQuery = query.Encode()
	})
}
