package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server that a test starts and stops itself. It listens on a Unix socket only.
type Cluster struct {
	dir      string // holds the data and the socket
	bin      string
	settings []string // name=value
	server   *exec.Cmd
	stdin    io.WriteCloser
}

// throwaway are the settings of clusters whose data nobody misses.
var throwaway = []string{"fsync=off", "full_page_writes=off"}

// NewCluster makes a cluster and starts it. It is gone when the test ends. Where there is only the server of
// TEST_DATABASE_URL, which is not ours to stop, the test is left out; scripts/test.sh says so.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	NeedBinaries(t)
	c, err := newCluster(throwaway...)
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v", err)
	}
	t.Cleanup(c.Remove)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// NeedBinaries leaves the test out where there is only the server of TEST_DATABASE_URL, which is not ours to stop.
func NeedBinaries(t testing.TB) {
	t.Helper()
	if _, err := binaries(); err != nil && os.Getenv("TEST_DATABASE_URL") != "" {
		t.Skip("it must stop a server, and the one of TEST_DATABASE_URL is not ours to stop")
	}
}

// Launch makes and starts a cluster for a program that is no test, with settings ("name=value") for what is not to be
// PostgreSQL's default. It is gone with Remove, or with the process.
func Launch(settings ...string) (*Cluster, error) {
	c, err := newCluster(settings...)
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

// Remove stops the server and deletes its data.
func (c *Cluster) Remove() {
	c.Stop()
	_ = os.RemoveAll(c.dir)
}

// Program is the path of one of PostgreSQL's own programs, such as pgbench.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// Log is the path of the file that the server writes its log to.
func (c *Cluster) Log() string { return filepath.Join(c.dir, "log") }

// URL names the cluster's database "postgres", as its superuser.
func (c *Cluster) URL() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(c.dir)
}

func newCluster(settings ...string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	// Not the test's own temporary directory: a socket's path has room for about a hundred characters.
	dir, err := os.MkdirTemp("/tmp", "pgtest-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, settings: settings}
	initdb, err := c.command(filepath.Join(bin, "initdb"), "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
	if err == nil {
		var out []byte
		if out, err = initdb.CombinedOutput(); err != nil {
			err = fmt.Errorf("initdb: %w\n%s", err, out)
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return c, nil
}

// Start starts the server and waits until it answers.
func (c *Cluster) Start() error {
	// The shell waits for its standard input to end, which it does however this process ends, and then takes the
	// server down with it: no test leaves one behind, not even one that was killed.
	const supervise = `trap '' INT TERM
"$0" "$@" </dev/null & server=$!
read -r keep
kill -QUIT $server; wait $server
[ "$keep" = keep ] || rm -rf "$PGTEST_DIR"`
	args := []string{
		"-c", supervise, c.Program("postgres"), "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=",
		"-c", "max_connections=200", "-c", "max_prepared_transactions=0",
	}
	for _, setting := range c.settings {
		args = append(args, "-c", setting)
	}
	server, err := c.command("/bin/sh", args...)
	if err != nil {
		return err
	}
	server.Env = append(os.Environ(), "PGTEST_DIR="+c.dir)
	log, err := os.OpenFile(c.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	server.Stdout, server.Stderr = log, log
	if c.stdin, err = server.StdinPipe(); err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	c.server = server

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(c.Log())
			return fmt.Errorf("PostgreSQL did not start: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop ends the server at once, as a crash would; its data stays for the next Start.
func (c *Cluster) Stop() {
	if c.server == nil {
		return
	}
	_, _ = io.WriteString(c.stdin, "keep\n")
	_ = c.stdin.Close()
	_ = c.server.Wait()
	c.server = nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command runs as the user postgres if this process is root, whom PostgreSQL refuses.
func (c *Cluster) command(name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	if os.Geteuid() != 0 {
		return cmd, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no other user for it: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr, os.Chown(c.dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd, nil
}

// binaries finds the directory of initdb and postgres, which Debian keeps out of PATH.
func binaries() (string, error) {
	var candidates []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append(candidates, filepath.Dir(path))
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(candidates, installed...) {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("set TEST_DATABASE_URL, or install the server's binaries (Debian and Ubuntu: apt-get install postgresql)")
}
