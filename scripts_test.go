package deployrecords_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeGo stands in for the go command: it prints the arguments of each go test, which runs until an interrupt, or fails
// immediately if FAKE_GO_FAILS is set. One package is racetest, one imports it, and one imports noracetest.
const fakeGo = `#!/bin/sh
case "$*" in
"env CGO_ENABLED") echo 1 ;;
"env CC") echo sh ;;
list*) echo "example.com/internal/racetest [testing] []"; echo "example.com/slow [] [example.com/internal/racetest]"
  echo "example.com/whole [] [] [example.com/internal/noracetest]" ;;
test*)
  echo "$*"
  [ -z "$FAKE_GO_FAILS" ] || exit 1
  trap 'exit 1' INT
  while sleep 0.1; do :; done ;;
esac
`

// startTestScript runs scripts/test.sh in a process group of its own and returns it with its output.
func startTestScript(t *testing.T, env ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	fake := filepath.Join(t.TempDir(), "a go")
	if err := os.WriteFile(fake, []byte(fakeGo), 0o700); err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "sh", "scripts/test.sh", "./...")
	script.Env = append(append(os.Environ(), "GO="+fake, "TEST_DATABASE_URL=postgres:///unused"), env...)
	script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-script.Process.Pid, syscall.SIGKILL) })
	return script, out
}

// testsThatSkipThemselves returns the sorted names of the tests that call racetest.Skip. Any other function that calls it would
// skip a test that the script does not run again.
func testsThatSkipThemselves(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir("internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("racetest.Skip(")) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && bytes.Contains(text[function.Pos()-1:function.End()-1], []byte("racetest.Skip(")) {
				names = append(names, function.Name.Name)
				if !strings.HasSuffix(path, "_test.go") || !strings.HasPrefix(function.Name.Name, "Test") {
					t.Errorf("%s: %s calls racetest.Skip and is no test", path, function.Name.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatal("no test skips itself")
	}
	return names
}

func TestScriptRunsSlowPackagesAgainWithoutTheRaceDetector(t *testing.T) {
	script, out := startTestScript(t, "FAKE_GO_FAILS=1")
	text, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "test ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		"test -timeout 20m -vet=off -race -gcflags=modernc.org/sqlite/lib=-race=false example.com/internal/racetest example.com/slow",
		"test -timeout 20m -vet=off -run ^(" + strings.Join(testsThatSkipThemselves(t), "|") + ")$ example.com/slow",
		"test -timeout 20m -vet=off example.com/whole",
	}
	if !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
	if first, _, _ := strings.Cut(string(text), "test -timeout"); !strings.Contains(first, "minutes on two cores") {
		t.Errorf("before the first test, the script does not print how long it takes: %s", first)
	}
	if err := script.Wait(); err == nil {
		t.Error("the script succeeded although the tests failed")
	}
}

func TestScriptEndsEverythingOnInterrupt(t *testing.T) {
	// A process started in the background ignores interrupts and passes that on, unless it handles them itself.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGINT)
	defer signal.Stop(handled)

	script, out := startTestScript(t, "FAKE_GO_FAILS=")
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "test ") {
	}
	if err := syscall.Kill(-script.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// Every process that the script started holds the pipe open, so its end means that all of them ended.
	ended := make(chan string, 1)
	go func() {
		var rest strings.Builder
		for lines.Scan() {
			rest.WriteString(lines.Text())
		}
		ended <- rest.String()
	}()
	select {
	case rest := <-ended:
		if rest != "" {
			t.Errorf("after the interrupt the script printed %q", rest)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("a process survived the interrupt")
	}
	if err := script.Wait(); err == nil {
		t.Error("the script succeeded although it was interrupted")
	}
}

// A source archive has no git repository. Its files must be checked all the same.
func TestScriptChecksProseWithoutGit(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"read me.md", "internal/x/x.go", "generated/x.go", ".vale/x.md", "examples/node_modules/x.md"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fake := filepath.Join(t.TempDir(), "a go")
	const fakeVale = `#!/bin/sh
case "$*" in
"env CGO_ENABLED") echo 1 ;;
"env CC") echo sh ;;
tool*) shift 4; printf '%s\n' "$@"; exit 1 ;;
esac
`
	if err := os.WriteFile(fake, []byte(fakeVale), 0o700); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("scripts/check-prose.sh")
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), "sh", script)
	check.Dir, check.Env = dir, append(os.Environ(), "GO="+fake)
	out, err := check.Output()
	got := strings.Fields(strings.ReplaceAll(string(out), "read me", "read-me"))
	slices.Sort(got)
	if want := []string{"./internal/x/x.go", "./read-me.md"}; !slices.Equal(got, want) {
		t.Errorf("checked %q, want %q", got, want)
	}
	if err == nil {
		t.Error("the script succeeded although vale failed")
	}
}
