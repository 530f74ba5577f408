package e2e_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests compare docs/contract-testing.md and docs/conformance.md with the program and the examples.

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(absolute(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the code blocks of a language in a document.
func blocks(document, language string) []string {
	var all []string
	for _, part := range strings.Split(document, "\n```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		all = append(all, block)
	}
	return all
}

// scriptHeadings begin the sections of contract-testing.md whose blocks are one script. They follow each other.
var scriptHeadings = []string{"## Steer the server\n", "## Two servers at once\n"}

func TestTheDocumentedShellScriptsPrintTheDocumentedOutput(t *testing.T) {
	t.Parallel()
	before, sections, _ := strings.Cut(read(t, "docs/contract-testing.md"), "\n"+scriptHeadings[0])
	_, after, _ := strings.Cut(sections, "\n"+scriptHeadings[1])
	_, after, _ = strings.Cut(after, "\n## ")
	for _, document := range []string{before, after, read(t, "docs/conformance.md")} {
		for _, part := range strings.Split(document, "\n```sh\n")[1:] {
			script, after, _ := strings.Cut(part, "```")
			runDocumentedScript(t, script, blocks(after, "text")[0])
		}
	}
}

// runDocumentedScript runs a script beside the documented records, and requires its output.
func runDocumentedScript(t *testing.T, script, want string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script = startSlowly + script
	dir := withRecords(t)
	for range 2 { // in one directory
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.WaitDelay = 10 * time.Second
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + os.Getenv("PATH")}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || string(out) != want {
			t.Errorf("got %s, %v\n%s\nthe document has %s", out, err, &stderr, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the script left %v, %v", left, err)
	}
}

// The script stops its server and removes its directory however it ends, in each shell.
func TestTheDocumentedShellScriptLeavesNothing(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script := startSlowly + blocks(read(t, "docs/contract-testing.md"), "sh")[0] + `
echo "$DEPLOYRECORDS_URL" > url.new; mv url.new url
while :; do sleep 0.1; done`
	for _, shell := range []string{"sh", "bash"} {
		for name, c := range map[string]struct {
			signal os.Signal // nil if the server fails to start
			want   int
		}{
			"SIGTERM":         {syscall.SIGTERM, 143},
			"SIGINT":          {syscall.SIGINT, 130},
			"a failing start": {nil, 1},
		} {
			t.Run(shell+" "+name, func(t *testing.T) {
				t.Parallel()
				dir, temporary := t.TempDir(), t.TempDir()
				if c.signal != nil { // otherwise there are no records to load
					records := read(t, "deployrecordstest/testdata/records.ndjson")
					if err := os.WriteFile(filepath.Join(dir, "records.ndjson"), []byte(records), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, shell, "-euc", script)
				cmd.Dir = dir
				cmd.Env = []string{"TMPDIR=" + temporary, "PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + os.Getenv("PATH")}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				var url string
				for c.signal != nil && url == "" {
					text, _ := os.ReadFile(filepath.Join(dir, "url"))
					url = strings.TrimSpace(string(text))
					if ctx.Err() != nil {
						t.Fatal("the script did not start its server")
					}
					time.Sleep(20 * time.Millisecond)
				}
				if c.signal != nil {
					_ = cmd.Process.Signal(c.signal)
				}
				if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != c.want {
					t.Errorf("got %s, want exit code %d", cmd.ProcessState, c.want)
				}
				if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
					t.Errorf("the script left %v, %v", left, err)
				}
				for deadline := time.Now().Add(10 * time.Second); url != ""; time.Sleep(20 * time.Millisecond) {
					conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
					if err != nil {
						return
					}
					_ = conn.Close()
					if time.Now().After(deadline) {
						t.Fatal("the server runs on")
					}
				}
			})
		}
	}
}

// The blocks of a section are one script, each with the output that the document has after it.
func TestTheDocumentedSectionsPrintTheDocumentedOutput(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	for i, least := range []int{8, 3} {
		t.Run(strings.TrimSpace(scriptHeadings[i][3:]), func(t *testing.T) {
			t.Parallel()
			_, section, _ := strings.Cut(read(t, "docs/contract-testing.md"), "\n"+scriptHeadings[i])
			section, _, _ = strings.Cut(section, "\n## ")
			var script, want strings.Builder
			parts := strings.Split(section, "\n```sh\n")[1:]
			if len(parts) < least {
				t.Fatalf("the section has %d scripts", len(parts))
			}
			for _, part := range parts {
				commands, rest, _ := strings.Cut(part, "```\n")
				script.WriteString(commands)
				if _, output, found := strings.Cut(rest, "```text\n"); found {
					output, _, _ = strings.Cut(output, "```")
					want.WriteString(output)
				}
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-euc", script.String())
			cmd.WaitDelay = 10 * time.Second
			cmd.Dir = withRecords(t)
			cmd.Env = []string{"PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + os.Getenv("PATH")}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if out, err := cmd.Output(); err != nil || string(out) != want.String() {
				t.Errorf("got %s, %v\n%s\nthe document has %s", out, err, &stderr, &want)
			}
		})
	}
}

// withRecords returns a directory with the documented records.
func withRecords(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "records.ndjson"), []byte(read(t, "deployrecordstest/testdata/records.ndjson")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A module outside this repository has only what the document specifies for go.mod.
func TestTheDocumentedModuleRunsTheExample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"example_test.go", "whatruns_test.go", "testdata/records.ndjson"} {
		path := filepath.Join(dir, "tests", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(read(t, "deployrecordstest/"+name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(absolute(t, "."), filepath.Join(dir, "deployrecords")); err != nil {
		t.Fatal(err)
	}
	commands := strings.ReplaceAll(blocks(read(t, "docs/contract-testing.md"), "console")[0], "$ go ", "go ")
	if !strings.Contains(commands, "go mod tidy") {
		t.Fatalf("not the commands of a module: %s", commands)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", "go mod init example.com/tests\n"+commands+"go test .")
	cmd.Dir = filepath.Join(dir, "tests")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s\n%v\n%s", commands, err, out)
	}
}

func TestTheDocumentedCodeEqualsTheExamples(t *testing.T) {
	document := read(t, "docs/contract-testing.md")
	for language, files := range map[string][]string{
		"go": {"deployrecordstest/whatruns_test.go", "deployrecordstest/whatruns_test.go", "deployrecordstest/example_sandbox_test.go"},
		"ts": {"examples/contract-testing-typescript/src/what-runs.ts", "examples/contract-testing-typescript/src/what-runs.test.ts"},
	} {
		shown := blocks(document, language)
		if len(shown) != len(files) {
			t.Fatalf("the document has %d blocks of %s, want one for each of %d files", len(shown), language, len(files))
		}
		for i, block := range shown {
			if !strings.Contains(read(t, files[i]), block) {
				t.Errorf("%s lacks the documented block:\n%s", files[i], block)
			}
		}
	}
	const records = "records.ndjson"
	if read(t, "deployrecordstest/testdata/"+records) != read(t, "examples/contract-testing-typescript/"+records) {
		t.Errorf("the examples have different versions of %s", records)
	}
}
