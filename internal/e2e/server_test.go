// Package e2e tests the built program against both databases.
package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/noracetest"
)

const root = "../.."

// programDir is the directory of the program and ends with the tests.
var programDir string

// binary is built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir, "deployrecords")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/deployrecords") // as make build
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "deployrecords-e2e-")
	if err != nil {
		panic(err)
	}
	programDir = dir
	code := noracetest.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

const secret = "the secret of the end-to-end tests, long enough"

// command returns a command of the program with exactly this environment.
func command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "JWT_HMAC_SECRET=" + secret}, env...)
	return cmd
}

// run returns the program's output and exit code.
func run(t testing.TB, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, env, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// mustRun fails the test if the program fails.
func mustRun(t testing.TB, env []string, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, env, args...)
	if code != 0 {
		t.Fatalf("deployrecords %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// absolute returns the absolute path of a file in the repository.
func absolute(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a running server.
type process struct {
	cmd *exec.Cmd
	url string
	log *lockedBuffer
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serve starts a server on a free port and waits until it is ready.
func serve(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := start(t, env, args...)
	p.waitReady(t)
	return p
}

func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, append(env, "LISTEN_ADDR=127.0.0.1:0"), append([]string{"serve"}, args...)...), log: &lockedBuffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

func (p *process) waitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if found := listening.FindStringSubmatch(p.log.String()); found != nil {
			p.url = "http://" + found[1]
			if response, err := http.Get(p.url + "/readyz"); err == nil {
				_ = response.Body.Close()
				if response.StatusCode == http.StatusOK {
					return
				}
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the server is not ready:\n%s", p.log)
}

// stop ends the server as an orchestrator does and returns its exit code.
func (p *process) stop(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// token returns a token for the organization.
func token(t testing.TB, organization string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(mustRun(t, nil, append([]string{"token", "--organization", organization}, args...)...))
}

// checked is a client that checks each response against the documents.
func checked(t testing.TB) *http.Client { return contracttest.Client(t) }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
