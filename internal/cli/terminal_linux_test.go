package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unsafe"
)

// openTerminal returns both ends of a pseudo terminal: what is written to the second is read from the first.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	var number, locked uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = screen.Close(), terminal.Close() })
	return screen, terminal
}

// onTerminal returns what a command writes to a terminal.
func (s *apiServer) onTerminal(args ...string) string {
	s.t.Helper()
	screen, terminal := openTerminal(s.t)
	clientEnvironment(s.t, s.URL)
	const end = "END OF OUTPUT"
	go func() {
		Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: terminal, Err: terminal})
		fmt.Fprintln(terminal, end)
	}()
	var text strings.Builder
	buffer := make([]byte, 4096)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(text.String(), end) && time.Now().Before(deadline); {
		n, err := screen.Read(buffer)
		if err != nil {
			s.t.Fatal(err)
		}
		text.Write(buffer[:n])
	}
	output, _, _ := strings.Cut(text.String(), end)
	return output
}

// No output of a server's text moves the cursor of a terminal or reverses its text.
func TestTerminalsGetNoControlCharacters(t *testing.T) {
	const hostile = "a\x1b[2Jb\u009b31mc\u202ed\u0007e\U000e0041f"
	for _, args := range [][]string{
		{"list"},
		{"list", "--output", "csv"},
		{"list", "--output", "csv", "--csv-safe"},
		{"list", "--output", "json"},
		{"list", "--output", "json", "--all"},
		{"list", "--output", "ndjson"},
	} {
		s := newAPI(t)
		s.records = testRecords(1)
		for _, field := range []string{"environment_name", "logical_environment_name", "deployment_name"} {
			s.records[0][field] = hostile
		}
		s.records[0]["artifact"] = map[string]any{"kind": hostile, "name": hostile, "version": hostile, "digest": hostile}
		text := s.onTerminal(args...)
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\r' && r != '\n' }); i >= 0 || !strings.Contains(text, "a") {
			t.Errorf("%v: %q", args, text)
		}
		if args[len(args)-1] == "ndjson" {
			var record map[string]any
			if err := json.Unmarshal([]byte(text), &record); err != nil || record["environment_name"] != hostile {
				t.Errorf("the record is not the server's: %v %q", err, text)
			}
		}
		if _, _, code := s.client(args...); code != 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
