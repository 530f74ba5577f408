package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// secret signs the tokens of the benchmark's servers, which listen on loopback only.
const secret = "the secret of the benchmark, 32 bytes or more"

// server is a process of the program with its default settings.
type server struct {
	*dataset
	cmd     *exec.Cmd
	address string
	token   string
	log     string // file name
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serveRecords starts the program on a PostgreSQL database with that many records. The caller stops it.
func (t *testbed) serveRecords(ctx context.Context, records int, settings ...string) (*server, error) {
	d, err := t.dataset(ctx, records)
	if err != nil {
		return nil, err
	}
	if len(settings) > 0 {
		d = &dataset{name: d.name, records: d.records, url: t.url(d.name, settings...), driver: d.driver, source: d.source}
	}
	return t.serve(ctx, t.program, d)
}

// serve starts a release of the program on a free port and waits until it is ready. The caller stops it.
func (t *testbed) serve(ctx context.Context, program string, d *dataset) (*server, error) {
	token, err := mint(ctx, program, largeOrganization)
	if err != nil {
		return nil, err
	}
	return t.start(ctx, d, token, program, "serve")
}

// start starts a server that logs its address, and waits until it is ready. The caller stops it.
func (t *testbed) start(ctx context.Context, d *dataset, token, program string, args ...string) (*server, error) {
	file, err := os.CreateTemp(t.dir, "server-*.log")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s := &server{dataset: d, cmd: exec.CommandContext(ctx, program, args...), token: token, log: file.Name()}
	s.cmd.Env = []string{"DATABASE_URL=" + d.url, "JWT_HMAC_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0"}
	s.cmd.Dir = t.dir
	s.cmd.Stdout, s.cmd.Stderr = file, file
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.waitUntilReady(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) waitUntilReady(ctx context.Context) error {
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(s.log)
		if err != nil {
			return err
		}
		if found := listening.FindSubmatch(text); found != nil {
			s.address = string(found[1])
			if _, err := s.get(ctx, "/readyz"); err == nil {
				return nil
			}
		}
		if bytes.Contains(append([]byte("\n"), text...), []byte("\ndeployrecords: ")) {
			return fmt.Errorf("the server does not start:\n%s", text)
		}
	}
	return errors.Join(ctx.Err(), fmt.Errorf("the server is not ready; its log is %s", filepath.Base(s.log)))
}

// cpuTime returns the processor time of the server since its start, in seconds, or 0 if the system does not report it.
func (s *server) cpuTime() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	// The name of the program, in parentheses, may have spaces. utime and stime follow it in hundredths of a second.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// stop sends SIGTERM, as an orchestrator does, and waits for the process to end.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// as returns the server for requests of another organization.
func (s *server) as(ctx context.Context, organization string) (*server, error) {
	token, err := mint(ctx, s.cmd.Path, organization)
	other := *s
	other.token = token
	return &other, err
}

// mint returns a token that may list and record in an organization.
func mint(ctx context.Context, program, organization string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "token", "--organization", organization, "--scope", "deployments:read", "--scope", "deployments:write")
	cmd.Env = []string{"JWT_HMAC_SECRET=" + secret}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
