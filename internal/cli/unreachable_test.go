package cli

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// overTCP returns the URL of a database over TCP. The test's PostgreSQL listens on a socket and has no TLS. accept handles
// a connection before PostgreSQL does, and reports whether PostgreSQL gets it.
func overTCP(t *testing.T, database, query string, accept func(net.Conn) bool) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	socket := path.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if !accept(conn) {
					return
				}
				server, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				defer server.Close()
				go func() { _, _ = io.Copy(server, conn) }()
				_, _ = io.Copy(conn, server)
			}()
		}
	}()
	return fmt.Sprintf("postgres://postgres@%s%s?%s", listener.Addr(), u.Path, query)
}

func TestPermanentFailuresOfTheDatabaseEndAtOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.NewCluster(t).URL()
	forward := func(net.Conn) bool { return true }
	untrusted := httptest.NewTLSServer(nil)
	t.Cleanup(untrusted.Close)
	withCertificate := func(conn net.Conn) bool {
		if _, err := io.ReadFull(conn, make([]byte, 8)); err == nil { // the request for TLS
			_, _ = conn.Write([]byte("S"))
			_ = tls.Server(conn, &tls.Config{Certificates: untrusted.TLS.Certificates}).Handshake()
		}
		return false
	}
	for name, c := range map[string]struct{ address, want string }{
		"no TLS":                {overTCP(t, database, "sslmode=verify-full", forward), "server refused TLS connection"},
		"no TLS, require":       {overTCP(t, database, "sslmode=require", forward), "server refused TLS connection"},
		"bad certificate":       {overTCP(t, database, "sslmode=verify-full", withCertificate), "certificate"},
		"unknown role":          {pgtest.WithUser(t, database, "nobody", "hunter2"), `role "nobody" does not exist`},
		"unknown role, TCP":     {strings.Replace(overTCP(t, database, "sslmode=prefer", forward), "postgres@", "nobody@", 1), `role "nobody" does not exist`},
		"unknown database, TCP": {strings.Replace(overTCP(t, database, "", forward), "/postgres?", "/missing?", 1), `database "missing" does not exist`},
		"unknown database":      {strings.Replace(database, "/postgres?", "/missing?", 1), "does not exist"},
		"unknown startup name":  {overTCP(t, database, "sslmode=disable", rejectStartup), "unsupported startup parameter: lock_timeout (SQLSTATE 08P01): a pooler needs serve --database-session-settings=transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, stderr, code := run(t, "migrate", "--database-url", c.address, "--database-wait", "1m")
			if code != 1 || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "retry_in") || strings.Contains(stderr, "unavailable") || strings.Contains(stderr, "hunter2") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if strings.Contains(stderr, "refused TLS") != strings.Contains(c.want, "refused TLS") {
				t.Errorf("reports TLS, which is not the cause: %s", stderr)
			}
			if spent := time.Since(start); spent > 20*time.Second {
				t.Errorf("took %s", spent)
			}
		})
	}
}

// rejectStartup answers as PgBouncer does.
func rejectStartup(conn net.Conn) bool {
	if _, err := conn.Read(make([]byte, 4096)); err == nil {
		fields := "SFATAL\x00C08P01\x00Munsupported startup parameter: lock_timeout\x00\x00"
		_, _ = conn.Write(append([]byte{'E', 0, 0, 0, byte(4 + len(fields))}, fields...))
	}
	return false
}

func TestAnUnreachableDatabaseIsReportedInOneLineATry(t *testing.T) {
	t.Parallel()
	_, stderr, code := run(t, "migrate", "--database-url", "postgres://u:hunter2@127.0.0.1:1/db", "--database-wait", "600ms")
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if code != 1 || len(lines) < 2 || !strings.HasPrefix(lines[len(lines)-1], "deployrecords: gave up on the database postgres://u:xxxxx@127.0.0.1:1/db after 600ms: ") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for i, line := range lines {
		if strings.Count(line, "connection refused") != 1 || strings.Contains(line, `\n`) || strings.Contains(line, `\t`) {
			t.Error(line)
		}
		if i < len(lines)-1 && !regexp.MustCompile(` retry_in=\d+(\.\d{1,2})?m?s `).MatchString(line) {
			t.Error(line)
		}
	}
}

func TestAMissingDirectoryOfTheDatabaseIsNamed(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	directory := path.Join(t.TempDir(), "no")
	for _, command := range []string{"migrate", "serve --listen 127.0.0.1:0 --log-level error", "import --organization a -"} {
		_, stderr, code := run(t, append(strings.Fields(command), "--database-url", "sqlite://"+directory+"/dir.db")...)
		if code != 1 || !strings.HasSuffix(stderr, ": the directory "+directory+" does not exist\n") {
			t.Errorf("%s: exit code %d: %s", command, code, stderr)
		}
	}
}

func TestARoleWithoutRightsGetsAdvice(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	role := fmt.Sprintf("without_rights_%d", time.Now().UnixNano())
	pgtest.Exec(t, database, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'")
	t.Cleanup(func() { pgtest.Exec(t, database, "DROP ROLE "+role) })
	address := pgtest.WithUser(t, database, role, "x")
	_, stderr, code := run(t, "migrate", "--database-url", address)
	if code != 1 || strings.Contains(stderr, "create version table") ||
		!strings.HasSuffix(stderr, ": ERROR: permission denied for schema public (SQLSTATE 42501): run deployrecords migrate as the owner of the schema\n") {
		t.Errorf("without a schema: exit code %d: %s", code, stderr)
	}
	storetest.Open(t, database)
	_, stderr, code = run(t, "migrate", "--database-url", address)
	if code != 1 || !strings.HasSuffix(stderr, ": grant the role the rights that docs/operations.md lists\n") {
		t.Errorf("with a schema: exit code %d: %s", code, stderr)
	}
}
