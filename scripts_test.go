package deployrecords_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// aGoThatTests stands in for the go command. What it begins would go on for an hour.
const aGoThatTests = `#!/bin/sh
case $1 in
list) echo example.com/internal/demo; echo example.com/internal/conformance ;;
env) echo 0 ;;
test)
  sleep 3600 &
  echo begun
  wait ;;
esac
`

func TestAnInterruptEndsAllThatTheTestScriptBegan(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(fake, []byte(aGoThatTests), 0o700); err != nil {
		t.Fatal(err)
	}
	// The script runs these tests with interrupts ignored. What this process handles, it does not pass on as ignored.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGINT)
	defer signal.Stop(handled)
	for name, end := range map[string]func(script int) error{
		"a terminal's interrupt":  func(script int) error { return syscall.Kill(-script, syscall.SIGINT) },
		"the end of it alone":     func(script int) error { return syscall.Kill(script, syscall.SIGTERM) },
		"an interrupt of it only": func(script int) error { return syscall.Kill(script, syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			script := exec.CommandContext(t.Context(), "sh", "scripts/test.sh", "./...")
			script.Env = append(os.Environ(), "GO="+fake, "TEST_DATABASE_URL=postgres:///nobody-asks", "TMPDIR="+temporary)
			script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := script.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := script.Start(); err != nil {
				t.Fatal(err)
			}
			group := script.Process.Pid
			defer syscall.Kill(-group, syscall.SIGKILL)
			lines := bufio.NewScanner(out)
			for begun := 0; begun < 2 && lines.Scan(); {
				if lines.Text() == "begun" {
					begun++
				}
			}
			if err := end(group); err != nil {
				t.Fatal(err)
			}
			// All that it began writes to the same pipe, which ends with the last of them.
			ended := make(chan error, 1)
			go func() { _, err := io.Copy(io.Discard, out); ended <- err }()
			select {
			case <-ended:
			case <-time.After(15 * time.Second):
				t.Fatal("something goes on")
			}
			if err := script.Wait(); err == nil || !strings.HasPrefix(err.Error(), "signal: ") {
				t.Errorf("it ended with %v", err)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
}
