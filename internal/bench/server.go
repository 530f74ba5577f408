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
	"strings"
	"syscall"
	"time"
)

// secret signs the tokens of this benchmark, whose servers listen on loopback while it runs.
const secret = "the secret of the benchmark, 32 bytes or more"

// server is the program as people run it: a process with its default settings.
type server struct {
	cmd     *exec.Cmd
	address string
	token   string
	log     string // the file
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serve starts a server of the program on a free port, and waits until it is ready. The caller stops it.
func (l *lab) serve(ctx context.Context, program, databaseURL string) (*server, error) {
	token, err := l.mint(ctx, program)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(l.dir, "server-*.log")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s := &server{cmd: exec.CommandContext(ctx, program, "serve"), token: token, log: file.Name()}
	s.cmd.Env = []string{"DATABASE_URL=" + databaseURL, "JWT_HMAC_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0"}
	s.cmd.Dir = l.dir
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
		if bytes.Contains(text, []byte("\ndeployrecords: ")) || bytes.HasPrefix(text, []byte("deployrecords: ")) {
			return fmt.Errorf("the server does not start:\n%s", text)
		}
	}
	return errors.Join(ctx.Err(), fmt.Errorf("the server is not ready; its log is %s", filepath.Base(s.log)))
}

// stop ends the server as an orchestrator does.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// peakMemory is in bytes.
func (s *server) peakMemory() int { return peakMemory(s.cmd.Process.Pid) }

// mint makes a token that may do everything in the great organization.
func (l *lab) mint(ctx context.Context, program string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "token", "--organization", great, "--scope", "deployments:read", "--scope", "deployments:write")
	cmd.Env = []string{"JWT_HMAC_SECRET=" + secret}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
