package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
)

var update = flag.Bool("update", false, "write the golden files")

const testSecret = "a secret of the tests, longer than 32 bytes"

// run runs a command line in this process.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &err})
	return out.String(), err.String(), code
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./internal/cli -update writes it\ngot:\n%s", path, got)
	}
}

func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for name, args := range map[string][]string{
		"help.txt":         {"--help"},
		"help-serve.txt":   {"serve", "--help"},
		"help-import.txt":  {"import", "--help"},
		"help-demo.txt":    {"demo", "--help"},
		"help-migrate.txt": {"migrate", "--help"},
		"help-verify.txt":  {"verify", "--help"},
		"help-token.txt":   {"token", "--help"},

		"help-token-check.txt": {"token", "check", "--help"},
	} {
		stdout, stderr, code := run(t, args...)
		if code != 0 || stderr != "" {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
		golden(t, name, stdout)
	}
}

func TestVersionHasTheDigestOfTheDocument(t *testing.T) {
	stdout, _, code := run(t, "--version")
	if code != 0 || !strings.Contains(stdout, "contract "+deployrecords.ContractDigest()) || !strings.Contains(stdout, "commit ") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}

func TestServeReportsAllViolationsTogether(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_URL": "mysql://u:hunter2@host/db", "DATABASE_MAX_CONNECTIONS": "0", "MAX_CONCURRENT_LISTS": "0", "DATABASE_WAIT": "soon",
		"JWT_HMAC_SECRET": "hunter2", "JWT_PUBLIC_KEY_FILE": "/does/not/exist", "JWT_HMAC_SECRET_FILE": "/does/not/exist/either",
		"JWKS_URL": "http://user:hunter2@keys.test/", "ORGANIZATION_CLAIM": "", "ALLOW_MISSING_SCOPE": "maybe",
		"FIRST_PAGE": "2", "DEFAULT_PAGE_SIZE": "1e3", "MAX_PAGE_SIZE": "2147483648", "LISTEN_ADDR": "nowhere",
		"REQUEST_TIMEOUT": "30", "READ_HEADER_TIMEOUT": "0s", "READ_TIMEOUT": "-1s", "IDLE_TIMEOUT": "x", "SHUTDOWN_TIMEOUT": "",
		"MAX_HEADER_BYTES": "1", "MAX_BODY_BYTES": "lots", "LOG_FORMAT": "xml", "LOG_LEVEL": "loud",
	} {
		t.Setenv(name, value)
	}
	stdout, stderr, code := run(t, "serve")
	if code != 2 || stdout != "" {
		t.Errorf("exit code %d, standard output %s", code, stdout)
	}
	golden(t, "faults.txt", stderr)
	if strings.Contains(stderr, "hunter2") {
		t.Error("the output has a secret")
	}
}

func TestServeNeedsAKey(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	_, stderr, code := run(t, "serve")
	if code != 2 || !strings.Contains(stderr, "there is no key") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// occupiedAddress returns an address on which no other server can listen.
func occupiedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestLogicalEnvironmentsOfPagesAreChecked(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	t.Setenv("UI_LOGICAL_ENVIRONMENTS", "dev\nprod\ndev")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `--ui-logical-environments: "dev" is there twice`},
		{[]string{"--ui-logical-environments", strings.Repeat("x", 257)}, "--ui-logical-environments: "},
	} {
		_, stderr, code := run(t, append([]string{"serve", "--database-url", "sqlite://" + filepath.Join(t.TempDir(), "x.db")}, c.args...)...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, code, stderr)
		}
	}
}

func TestServeLogsMaxConcurrentLists(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	occupied := occupiedAddress(t)
	for args, want := range map[string]string{
		"":                             fmt.Sprint("max_concurrent_lists=", min(8, 2*runtime.GOMAXPROCS(0))),
		"--max-concurrent-lists 7":     fmt.Sprint("max_concurrent_lists=", 7),
		"--database-max-connections 1": fmt.Sprint("max_concurrent_lists=", 1),
		"--database-max-connections 50 --max-concurrent-lists 20": fmt.Sprint("max_concurrent_lists=", 20),
	} {
		// The server starts, and ends when it tries to listen.
		_, stderr, code := run(t, append([]string{"serve", "--listen", occupied}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(stderr, want+" ") {
			t.Errorf("%s: exit code %d, want %s:\n%s", args, code, want, stderr)
		}
	}
	_, stderr, code := run(t, "serve", "--max-concurrent-lists", "21")
	if code != 2 || !strings.Contains(stderr, "--max-concurrent-lists: 21 is more than --database-max-connections 20") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestServerAcceptsTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(file, []byte(testSecret+"\nanother secret, which is for the rotation\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{[]byte(testSecret)}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args        []string
		project     string
		read, write bool
	}{
		"default":     {nil, "", true, false},
		"both scopes": {[]string{"--scope", "deployments:read deployments:write"}, "", true, true},
		"two flags":   {[]string{"--scope", "deployments:read", "--scope", "deployments:write"}, "", true, true},
		"write only":  {[]string{"--scope", "deployments:write"}, "", false, true},
		"a project":   {[]string{"--project", "web"}, "web", true, false},
	} {
		stdout, stderr, code := run(t, append([]string{"token", "--jwt-hmac-secret-file", file, "--organization", "acme"}, c.args...)...)
		if code != 0 || strings.Count(stdout, "\n") != 1 {
			t.Fatalf("%s: exit code %d, %s", name, code, stderr)
		}
		p, err := verifier.Verify(t.Context(), strings.TrimSpace(stdout))
		if err != nil || p.Organization != "acme" || p.Project != c.project ||
			p.Allows(auth.ReadDeployments) != c.read || p.Allows(auth.WriteDeployments) != c.write {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
	for _, args := range [][]string{
		{"token"},
		{"token", "--organization", ""},
		{"token", "--organization", "a", "--ttl", "0s"},
		{"token", "--organization", "a", "--scope", "all"},
		{"token", "--organization", "a", "--project", "p", "--scope", "deployments:write"},
		{"token", "--organization", "a", "--project", "p", "--project-claim", ""},
		{"token", "--organization", "a", "--project", ""},
	} {
		if _, stderr, code := run(t, append(args, "--jwt-hmac-secret-file", file)...); code != 2 || stderr == "" {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
	if _, stderr, code := run(t, "token", "--organization", "acme"); code != 2 || !strings.Contains(stderr, "there is no secret") {
		t.Errorf("without a secret: exit code %d, %s", code, stderr)
	}
}

func TestMigrateReportsTheVersions(t *testing.T) {
	database := "sqlite://" + filepath.Join(t.TempDir(), "x.db")
	for _, want := range []string{"from 0\n", "nothing to do\n"} {
		stdout, stderr, code := run(t, "migrate", "--database-url", database)
		if code != 0 || !strings.HasSuffix(stdout, want) {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
	}
}

func TestInvalidCommandLinesAreUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"serve", "--nonsense"},
		{"import", "--organization", "a"},
		{"import", "x.ndjson"},
		{"import", "--organization", "a\x00", "x.ndjson"},
		{"import", "--organization", "a", "--database-url", "x", "y"},
		{"migrate", "--database-url", ""},
		{"migrate", "--database-url", "sqlite://x.db", "--server-role", "server"},
		{"migrate", "--database-url", "postgres://db/x", "--server-role", "a\nb"},
	} {
		if _, stderr, code := run(t, args...); code != 2 || stderr == "" {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	if _, stderr, code := run(t, "import", "--organization", "a", "/does/not/exist"); code != 1 || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
