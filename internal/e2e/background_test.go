package e2e_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startSlowly delays each server, to show a command that does not wait for it, or that reads what an earlier run left.
const startSlowly = `deployrecords() {
  case $1 in serve) sleep 0.5; exec deployrecords "$@" ;; esac
  command deployrecords "$@"
}
`

var (
	inBackground = regexp.MustCompile(`(?m)deployrecords serve[^&;|]*&$`)
	fixedFile    = regexp.MustCompile(`>\s*[^"$\s][^\s]*\s*&$`)
)

// documentedShell returns the shell code in the documents and in the help of the program, by where it is.
func documentedShell(t *testing.T) map[string]string {
	t.Helper()
	code := make(map[string]string)
	pages, err := filepath.Glob(absolute(t, "docs/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, absolute(t, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, language := range []string{"sh", "console"} {
			for i, block := range blocks(string(text), language) {
				code[filepath.Base(page)+" "+language+" "+string(rune('1'+i))] = block
			}
		}
	}
	_, help, _ := strings.Cut(mustRun(t, nil, "--help"), "organization:\n")
	code["help"], _, _ = strings.Cut(help, "\n\nThe clients")
	return code
}

// A server in the background needs a moment until it listens.
func TestDocumentedCommandsWaitForTheirServer(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for name, code := range documentedShell(t) {
		command := inBackground.FindString(code)
		if command == "" {
			continue
		}
		if file := fixedFile.FindString(command); file != "" {
			t.Errorf("%s: the file in %q may be that of an earlier run", name, file)
		}
		if strings.Contains(code, "--memory") {
			continue // needs the files of its page, which has its own test
		}
		ran++
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		_ = listener.Close()
		dir := t.TempDir()
		if err := os.Symlink(absolute(t, "testdata"), filepath.Join(dir, "testdata")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(absolute(t, "testdata/demo.ndjson"), filepath.Join(dir, "records.ndjson")); err != nil {
			t.Fatal(err)
		}
		script := "make() { :; }\n" + startSlowly + "trap 'kill $!' EXIT\n" + strings.ReplaceAll(code, "127.0.0.1:8080", address)
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.WaitDelay = 10 * time.Second
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + os.Getenv("PATH"),
			"LISTEN_ADDR=" + address, "DEPLOYRECORDS_URL=http://" + address,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, code, out)
		}
	}
	if ran < 3 {
		t.Errorf("ran %d of the documented servers", ran)
	}
}
