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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server that this process starts and stops. It listens on a Unix socket only.
type Cluster struct {
	dir      string // holds the data, the socket and the log
	bin      string
	settings []string // name=value
	server   *exec.Cmd
	stdin    io.WriteCloser
}

// maxConnections leaves room for the stores of parallel tests.
const maxConnections = "200"

// withoutSync are the settings of clusters whose data need not survive a crash of the machine.
var withoutSync = []string{"fsync=off", "full_page_writes=off"}

// NewCluster starts a cluster that is removed when the test ends, with settings ("name=value") that differ from PostgreSQL's
// defaults. It skips the test as RequireBinaries does.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	RequireBinaries(t)
	c, err := Launch(append(slices.Clone(withoutSync), settings...)...)
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v", err)
	}
	t.Cleanup(c.Remove)
	return c
}

// RequireBinaries skips the test if the only server is the one of TEST_DATABASE_URL, which a test must not stop.
func RequireBinaries(t testing.TB) {
	t.Helper()
	if _, err := binaries(); err != nil && os.Getenv("TEST_DATABASE_URL") != "" {
		t.Skip("the test must stop a server, and must not stop the one of TEST_DATABASE_URL")
	}
}

// Launch creates and starts a cluster, with settings ("name=value") that differ from PostgreSQL's defaults. The cluster
// lasts until Remove or the end of the process.
func Launch(settings ...string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(bin, settings)
	if err != nil {
		return nil, err
	}
	return c, c.launch(c.initialize)
}

// LaunchIn is Launch in an empty directory, such as a small file system. Its path is limited to about 80 bytes.
func LaunchIn(dir string, settings ...string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, settings: settings}
	return c, c.launch(c.initialize)
}

// newCluster creates the directory of a cluster.
func newCluster(bin string, settings []string) (*Cluster, error) {
	// Not the temporary directory of the test: the path of a socket is limited to about a hundred bytes.
	dir, err := os.MkdirTemp("/tmp", "pgtest-")
	return &Cluster{dir: dir, bin: bin, settings: settings}, err
}

// launch starts the server once its data exists, and removes everything if that fails.
func (c *Cluster) launch(create func() error) error {
	err := create()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		c.Remove()
	}
	return err
}

// Remove stops the server and deletes its data.
func (c *Cluster) Remove() {
	c.Stop()
	_ = os.RemoveAll(c.dir)
}

// Program returns the path of one of PostgreSQL's programs, such as pgbench.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// Log returns the path of the server's log file.
func (c *Cluster) Log() string { return filepath.Join(c.dir, "log") }

// URL returns the URL of the database "postgres" for the superuser.
func (c *Cluster) URL() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(c.dir)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) initialize() error {
	initdb, err := c.command(c.Program("initdb"), "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
	if err != nil {
		return err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// Start starts the server and waits until it accepts connections.
func (c *Cluster) Start() error {
	// The shell stops the server when its standard input ends, which happens however this process ends: no test leaves a
	// server behind, not even a killed one.
	const supervise = `trap '' INT TERM
"$0" "$@" </dev/null & server=$!
read -r keep
kill -QUIT $server; wait $server
[ "$keep" = keep ] || rm -rf "$PGTEST_DIR"`
	args := []string{"-c", supervise, c.Program("postgres"), "-D", c.data(), "-k", c.dir}
	for _, setting := range append([]string{"listen_addresses=", "max_connections=" + maxConnections, "max_prepared_transactions=0"}, c.settings...) {
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

// Stop ends the server at once, as a crash does, and keeps its data for the next Start.
func (c *Cluster) Stop() {
	if c.server == nil {
		return
	}
	_, _ = io.WriteString(c.stdin, "keep\n")
	_ = c.stdin.Close()
	_ = c.server.Wait()
	c.server = nil
}

// Shutdown ends the server as an administrator does: it ends the sessions and writes a checkpoint. It keeps the data for the
// next Start.
func (c *Cluster) Shutdown() error {
	stop, err := c.command(c.Program("pg_ctl"), "stop", "-D", c.data(), "-m", "fast", "-w")
	if err != nil {
		return err
	}
	if out, err := stop.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl: %w\n%s", err, out)
	}
	c.Stop() // the shell that supervises it
	return nil
}

// command prepares a command of the user postgres if this process is root: PostgreSQL does not run as root.
func (c *Cluster) command(name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	if os.Geteuid() != 0 {
		return cmd, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and the user postgres does not exist: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr, os.Chown(c.dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd, nil
}

// binaries returns the directory of initdb and postgres: the one in PATH, so that a test can run on another version, or else
// the installed one, which Debian does not put into PATH.
func binaries() (string, error) {
	var candidates []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil { // the other programs are beside it
			path = target
		}
		candidates = append(candidates, filepath.Dir(path))
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(candidates, installed...) {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("set TEST_DATABASE_URL, or install the server's binaries (Debian and Ubuntu: apt-get install postgresql)")
}
