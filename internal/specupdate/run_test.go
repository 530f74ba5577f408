package specupdate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// smallTree returns a repository with the files of this one that an update reads or changes. The steps of the tests
// generate code for it.
func smallTree(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, path := range []string{digestFile, apiCode, ignoredCode, serverCode, "go.mod", "tools/go.mod", "tools/go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, path, string(text))
	}
	write(t, dir, documentFile, string(base()))
	write(t, dir, ".gitignore", "*.db\n")
	write(t, dir, "generated/old.gen.go", "package generated // of the old document\n")
	commit(t, dir)
	return dir
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "x")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := repository{dir: dir}.git(context.Background(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, dir, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// status returns the uncommitted changes of a tree and its worktrees.
func status(t *testing.T, dir string) string {
	t.Helper()
	return git(t, dir, "status", "--porcelain", "--untracked-files=all") + git(t, dir, "diff") + git(t, dir, "worktree", "list")
}

// regenerate replaces the generator. It removes a file and adds two, and leaves the file that the summary reads.
var regenerate = Step{Name: "generate", Command: []string{"sh", "-c", "rm generated/old.gen.go && cp openapi.yaml generated/new.gen.txt && mkdir generated/more && echo x > generated/more/a.txt"}}

// newDocument writes a document with an additional parameter to a file.
func newDocument(t *testing.T) (path string, document []byte) {
	t.Helper()
	document = contracttest.Changed(t, base(), contracttest.Insert(parameters, 0, "{in: query, name: test_region, schema: {type: string}}"))
	dir := t.TempDir()
	write(t, dir, "new.yaml", string(document))
	return filepath.Join(dir, "new.yaml"), document
}

// run runs an update and returns the directory of its temporary files.
func run(ctx context.Context, t *testing.T, dir, from string, steps ...Step) (output, temp string, err error) {
	t.Helper()
	temp = t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	err = Run(ctx, Options{Dir: dir, From: from, Steps: steps, Output: &out})
	return out.String(), temp, err
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestPassingUpdateChangesTheTreeAndCommitsNothing(t *testing.T) {
	dir := smallTree(t)
	write(t, dir, "notes.txt", "uncommitted and needed")
	write(t, dir, "local.db", "ignored")
	write(t, dir, "staged.db", "ignored but tracked")
	git(t, dir, "add", "--force", "staged.db")
	from, document := newDocument(t)
	needed := Step{Name: "needed", Command: []string{"sh", "-c", "grep -q needed notes.txt && test -e staged.db && ! test -e local.db && git diff --name-only | grep -q openapi.yaml"}}
	output, temp, err := run(t.Context(), t, dir, from, regenerate, needed)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	const want = " M architecture_test.go\n D generated/old.gen.go\n M openapi.yaml\nA  staged.db\n?? generated/more/a.txt\n?? generated/new.gen.txt\n?? notes.txt"
	if state := git(t, dir, "status", "--porcelain", "--untracked-files=all"); state != want {
		t.Errorf("git status:\n%s", state)
	}
	if got, err := os.ReadFile(filepath.Join(dir, documentFile)); err != nil || !bytes.Equal(got, document) {
		t.Error("the document is not the new one, byte for byte")
	}
	if files, worktrees := filesIn(t, temp), git(t, dir, "worktree", "list"); len(files) > 0 || strings.Contains(worktrees, "\n") {
		t.Errorf("left behind: %v\n%s", files, worktrees)
	}
	if !strings.HasPrefix(output, "Steps: generate (") {
		t.Errorf("the output does not begin with the plan:\n%s", output)
	}
	for _, want := range []string{"Additive (1)\n", "generate ... ok", "Needs code (", "test_region of GET /v1/deployments: using it is a 501", " M openapi.yaml\n"} {
		if !strings.Contains(output, want) {
			t.Errorf("the output does not contain %q:\n%s", want, output)
		}
	}
	// The document is now the present one.
	before := status(t, dir)
	if output, _, err := run(t.Context(), t, dir, from, regenerate); err != nil || !strings.Contains(output, "the present one, byte for byte. Nothing changed.") {
		t.Errorf("got %v, %s", err, output)
	}
	if status(t, dir) != before {
		t.Error("the present document changed the tree")
	}
}

func TestReformattedDocumentPasses(t *testing.T) {
	dir := smallTree(t)
	write(t, dir, "../reformatted.yaml", "# A comment.\n"+string(base()))
	output, _, err := run(t.Context(), t, dir, filepath.Join(dir, "../reformatted.yaml"), Step{Name: "generate", Command: []string{"true"}})
	if err != nil || !strings.Contains(output, "the documents differ in their formatting only") {
		t.Errorf("got %v\n%s", err, output)
	}
	if state := git(t, dir, "status", "--porcelain"); state != " M architecture_test.go\n M openapi.yaml" {
		t.Errorf("git status:\n%s", state)
	}
}

func TestFailingUpdateLeavesTheTreeUnchanged(t *testing.T) {
	from, _ := newDocument(t)
	harmful := filepath.Join(t.TempDir(), "harmful.yaml")
	write(t, filepath.Dir(harmful), "harmful.yaml", string(contracttest.Changed(t, base(), contracttest.Set("x-go-type", "int"))))
	for name, c := range map[string]struct {
		from    string
		prepare func(t *testing.T, dir string)
		steps   []Step
		want    string
		keeps   bool // the worktree
	}{
		"a step fails": {
			from:  from,
			steps: []Step{regenerate, {Name: "build", Command: []string{"sh", "-c", "echo 'internal/api/enums.go:19:9: undefined: x'; exit 3"}, remedy: "Decide."}},
			want:  "the step \"build\" failed: exit status 3\n  internal/api/enums.go:19:9: undefined: x\nWhat to do:\n  Decide.", keeps: true,
		},
		"a full disk": {
			from:  from,
			steps: []Step{regenerate, {Name: "build", Command: []string{"sh", "-c", "echo x >/dev/full || { echo 'go: x: no space left on device'; exit 1; }"}, remedy: "Decide."}},
			want:  "What to do:\n  The disk is full: the document is not the reason.\n  Free space for ", keeps: true,
		},
		"a missing command":  {from: from, steps: []Step{{Name: "build", Command: []string{"no-such-command"}}}, want: "the step \"build\" failed", keeps: true},
		"a harmful document": {from: harmful, want: "the document is rejected, and nothing changed:\nline "},
		"no document":        {from: harmful + "x", want: "the document was not read, and nothing changed"},
		"changed generated code": {
			from: from, want: "generated/ have uncommitted changes",
			prepare: func(t *testing.T, dir string) { write(t, dir, serverCode, "changed") },
		},
		"another file in generated": {
			from: from, want: "generated/ have uncommitted changes",
			prepare: func(t *testing.T, dir string) { write(t, dir, "generated/mine.go", "new") },
		},
		"no digest": {
			from: from, want: "architecture_test.go does not have one line",
			prepare: func(t *testing.T, dir string) { write(t, dir, digestFile, "package x") },
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			dir := smallTree(t)
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			before := status(t, dir)
			output, temp, err := run(t.Context(), t, dir, c.from, c.steps...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\n%s", err, output)
			}
			if c.keeps {
				kept := filesIn(t, temp)
				if len(kept) != 1 || !strings.Contains(err.Error(), "git worktree remove --force "+filepath.Join(temp, kept[0], "tree")) {
					t.Fatalf("%v\nleft in the temporary directory: %v", err, kept)
				}
				git(t, dir, "worktree", "remove", "--force", filepath.Join(temp, kept[0], "tree"))
			} else if left := filesIn(t, temp); len(left) > 0 {
				t.Errorf("left in the temporary directory: %v", left)
			}
			if after := status(t, dir); after != before {
				t.Errorf("the tree changed:\n%s", after)
			}
		})
	}
}

// Ctrl-C stops the command and the processes that it started.
func TestInterruptedUpdateLeavesTheTreeUnchanged(t *testing.T) {
	dir := smallTree(t)
	from, _ := newDocument(t)
	ctx, stop := context.WithCancel(t.Context())
	// A grandchild holds the pipe open as long as it lives.
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	waiting := Step{Name: "test", Command: []string{"sh", "-c", `sh -c 'exec 3>"$0"; sleep 120' "$0" & wait`, pipe}}
	ended := make(chan error, 1)
	go func() {
		defer stop()
		reader, err := os.Open(pipe) // waits for the grandchild
		if err != nil {
			ended <- err
			return
		}
		defer reader.Close()
		stop()
		_, err = io.Copy(io.Discard, reader)
		ended <- err
	}()
	before := status(t, dir)
	_, temp, err := run(ctx, t, dir, from, regenerate, waiting)
	if err == nil || !strings.Contains(err.Error(), "the tree is unchanged") || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after := status(t, dir); after != before {
		t.Errorf("the tree changed:\n%s", after)
	}
	if left := filesIn(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("a process that the step started was not stopped")
	}
}

// A document that cannot be followed must fail before the steps that take minutes.
func TestShortStepsComeFirst(t *testing.T) {
	var names []string
	for _, s := range DefaultSteps() {
		names = append(names, s.Name)
		if s.Usual == 0 || s.remedy == "" {
			t.Errorf("the step %s has no duration or no remedy", s.Name)
		}
	}
	if got := strings.Join(names, " "); got != "generate build contract serve check test" {
		t.Errorf("got %s", got)
	}
	var out bytes.Buffer
	printPlan(&out, []Step{{Name: "build", Usual: 20 * time.Second}, {Name: "test", Usual: 8 * time.Minute}})
	if got := out.String(); !strings.HasPrefix(got, "Steps: build (20s), test (8m).\nThey take about 8m on two idle cores,") {
		t.Errorf("got %s", got)
	}
}

func TestExcerptShowsTheFailure(t *testing.T) {
	for output, want := range map[string][]string{
		"# x/internal/api\ninternal/api/enums.go:19:9: undefined: server.A\ninternal/api/api.go:3:1: b\n": {"internal/api/enums.go:19:9: undefined: server.A", "internal/api/api.go:3:1: b"},
		"vet: internal/x/a_test.go:3:1: undefined: b\n":                                                   {"vet: internal/x/a_test.go:3:1: undefined: b"},
		"ok  \tx/a\t1s\n--- FAIL: TestA (0.1s)\n    a_test.go:3: wrong\n        more\n    --- FAIL: TestA/b (0s)\n        a_test.go:4: b\nFAIL\nFAIL\tx/b\t1s\n": {
			"--- FAIL: TestA (0.1s)", "    a_test.go:3: wrong", "        more", "    --- FAIL: TestA/b (0s)", "        a_test.go:4: b", "FAIL\tx/b\t1s",
		},
		"starting\npanic: runtime error\nFAIL\tx/b\t1s\n": {"panic: runtime error", "FAIL\tx/b\t1s"},
		"one\ntwo\n":                            {"one", "two"},
		strings.Repeat("a.go:1:1: x\n", 32):     append(slices.Repeat([]string{"a.go:1:1: x"}, 30), "and 2 more lines"),
		"a.go:1:1: " + strings.Repeat("x", 400): {"a.go:1:1: " + strings.Repeat("x", 290) + "..."},
	} {
		if got := excerpt(output); !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", output, got, want)
		}
	}
}

func TestCommandRequiresADocument(t *testing.T) {
	for _, args := range [][]string{nil, {"-from", ""}, {"-from", "a", "b"}} {
		command := exec.Command("go", append([]string{"run", "../../cmd/specupdate"}, args...)...)
		out, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "usage: make spec-update FROM=path-or-https-URL") {
			t.Errorf("%q: got %v, %s", args, err, out)
		}
	}
}
