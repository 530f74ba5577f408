package specupdate

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// smallTree is a repository with the parts of this one that an update itself touches or reads. Its generated code is
// made by the tests' own steps.
func smallTree(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, path := range []string{
		documentFile, pinFile, "internal/api/api.go", "generated/server/server.gen.go", "generated/client/client.gen.go",
		"go.mod", "tools/go.mod", "tools/go.sum",
	} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, path, string(text))
	}
	write(t, dir, documentFile, string(deployrecords.OpenAPI()))
	write(t, dir, ".gitignore", "*.db\n")
	write(t, dir, "generated/old.gen.go", "package generated // of the old document\n")
	commit(t, dir)
	return dir
}

func commit(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "x"}} {
		if _, err := git(context.Background(), dir, args...); err != nil {
			t.Fatal(err)
		}
	}
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

// status is what git sees changed, and all that is not committed.
func status(t *testing.T, dir string) string {
	t.Helper()
	state, err := git(context.Background(), dir, "status", "--porcelain", "--untracked-files=all")
	if err != nil {
		t.Fatal(err)
	}
	diff, err := git(context.Background(), dir, "diff")
	if err != nil {
		t.Fatal(err)
	}
	return string(state) + string(diff)
}

// regenerated stands for the generator: one file goes, one comes, and none changes that the summary reads.
var regenerated = Step{Name: "generate", Command: []string{"sh", "-c", "rm generated/old.gen.go && cp openapi.yaml generated/new.gen.txt && mkdir generated/more && echo x > generated/more/a.txt"}}

// newDocument is a file with a document that has a parameter more.
func newDocument(t *testing.T) (path string, document []byte) {
	t.Helper()
	document = contracttest.Changed(t, deployrecords.OpenAPI(), contracttest.Insert(parameters, 0, "{in: query, name: test_region, schema: {type: string}}"))
	path = filepath.Join(t.TempDir(), "new.yaml")
	if err := os.WriteFile(path, document, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, document
}

// run runs an update with what it leaves in the temporary directory in sight.
func run(t *testing.T, ctx context.Context, dir, from string, steps ...Step) (output, temp string, err error) {
	t.Helper()
	temp = t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	err = Run(ctx, Options{Dir: dir, From: from, Steps: steps, Output: &out})
	return out.String(), temp, err
}

func left(t *testing.T, dir string) (names []string) {
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

func TestAnUpdateThatPassesChangesTheTreeAndCommitsNothing(t *testing.T) {
	dir := smallTree(t)
	write(t, dir, "notes.txt", "not committed, and needed")
	write(t, dir, "local.db", "ignored")
	from, document := newDocument(t)
	needed := Step{Name: "needed", Command: []string{"sh", "-c", "grep -q needed notes.txt && ! test -e local.db && git diff --name-only | grep -q openapi.yaml"}}
	output, temp, err := run(t, t.Context(), dir, from, regenerated, needed)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	state, gitErr := git(t.Context(), dir, "status", "--porcelain", "--untracked-files=all")
	const want = " M architecture_test.go\n D generated/old.gen.go\n M openapi.yaml\n?? generated/more/a.txt\n?? generated/new.gen.txt\n?? notes.txt\n"
	if gitErr != nil || string(state) != want {
		t.Errorf("git status:\n%s", state)
	}
	if got, err := os.ReadFile(filepath.Join(dir, documentFile)); err != nil || !bytes.Equal(got, document) {
		t.Error("the document is not the new one, to the byte")
	}
	if left := left(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, want := range []string{"Additive (1)\n", "generate ... ok", "Needs code (", "test_region of GET /v1/deployments: using it is a 501", "  openapi.yaml\n"} {
		if !strings.Contains(output, want) {
			t.Errorf("the output does not say %q:\n%s", want, output)
		}
	}
	// And again: now it is the present one.
	before := status(t, dir)
	if output, _, err := run(t, t.Context(), dir, from, regenerated); err != nil || !strings.Contains(output, "the present one, to the byte. Nothing changed.") {
		t.Errorf("got %v, %s", err, output)
	}
	if status(t, dir) != before {
		t.Error("the present document changed the tree")
	}
}

func TestADocumentThatIsOnlySpeltOtherwiseIsFollowed(t *testing.T) {
	dir := smallTree(t)
	write(t, dir, "../spelt.yaml", "# A comment.\n"+string(deployrecords.OpenAPI()))
	output, _, err := run(t, t.Context(), dir, filepath.Join(dir, "../spelt.yaml"), Step{Name: "generate", Command: []string{"true"}})
	if err != nil || !strings.Contains(output, "The documents say the same and differ in their spelling only.") {
		t.Errorf("got %v\n%s", err, output)
	}
	state, err := git(t.Context(), dir, "status", "--porcelain")
	if err != nil || string(state) != " M architecture_test.go\n M openapi.yaml\n" {
		t.Errorf("git status:\n%s", state)
	}
}

func TestAnUpdateThatFailsLeavesTheTreeAsItWas(t *testing.T) {
	from, _ := newDocument(t)
	hostile := filepath.Join(t.TempDir(), "hostile.yaml")
	write(t, filepath.Dir(hostile), "hostile.yaml", string(contracttest.Changed(t, deployrecords.OpenAPI(), contracttest.Set("x-go-type", "int"))))
	for name, c := range map[string]struct {
		from    string
		prepare func(t *testing.T, dir string)
		steps   []Step
		want    string
		keeps   bool
	}{
		"a step fails": {
			from:  from,
			steps: []Step{regenerated, {Name: "build", Command: []string{"sh", "-c", "echo 'internal/api/enums.go:19:9: undefined: x'; exit 3"}, decide: "Say which."}},
			want:  "the step \"build\" failed: exit status 3\n  internal/api/enums.go:19:9: undefined: x\nWhat can be decided:\n  Say which.", keeps: true,
		},
		"a check of a step fails": {
			from:  from,
			steps: []Step{{Name: "generate", Command: []string{"true"}, check: func(string) error { return errors.New("an entry matches nothing") }}},
			want:  "the step \"generate\" failed: an entry matches nothing", keeps: true,
		},
		"there is no such command": {from: from, steps: []Step{{Name: "build", Command: []string{"no-such-command"}}}, want: "the step \"build\" failed", keeps: true},
		"a hostile document":       {from: hostile, want: "the document is refused, and nothing changed:\nline "},
		"no document":              {from: hostile + "x", want: "the document was not read, and nothing changed"},
		"changed generated code": {
			from: from, want: "generated/ have changes that are not committed",
			prepare: func(t *testing.T, dir string) { write(t, dir, "generated/server/server.gen.go", "mine") },
		},
		"another file in generated": {
			from: from, want: "generated/ have changes that are not committed",
			prepare: func(t *testing.T, dir string) { write(t, dir, "generated/mine.go", "mine") },
		},
		"no pin": {
			from: from, want: "architecture_test.go does not have one line",
			prepare: func(t *testing.T, dir string) { write(t, dir, pinFile, "package x") },
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			dir := smallTree(t)
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			before := status(t, dir)
			output, temp, err := run(t, t.Context(), dir, c.from, c.steps...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\n%s", err, output)
			}
			if after := status(t, dir); after != before {
				t.Errorf("the tree changed:\n%s", after)
			}
			if kept := left(t, temp); (len(kept) == 1) != c.keeps || c.keeps && !strings.Contains(err.Error(), filepath.Join(temp, kept[0], "tree")) {
				t.Errorf("left in the temporary directory: %v", kept)
			}
		})
	}
}

func TestATreeThatChangesMeanwhileIsNotWrittenTo(t *testing.T) {
	dir := smallTree(t)
	from, _ := newDocument(t)
	meanwhile := Step{Name: "test", Command: []string{"sh", "-c", "cd " + dir + " && echo x >> internal/api/api.go && touch .editing.swp internal/new.go"}}
	_, _, err := run(t, t.Context(), dir, from, regenerated, meanwhile)
	if err == nil || !strings.Contains(err.Error(), "the tree changed while the update was tried") || !strings.Contains(err.Error(), ": internal/api/api.go, internal/new.go.") {
		t.Errorf("got %v", err)
	}
	state, gitErr := git(t.Context(), dir, "status", "--porcelain")
	if gitErr != nil || string(state) != " M internal/api/api.go\n?? .editing.swp\n?? internal/new.go\n" {
		t.Errorf("git status:\n%s", state)
	}
}

// What Ctrl-C does: the command is stopped with what it has started, and the tree is as it was.
func TestAnUpdateThatIsInterruptedLeavesTheTreeAsItWas(t *testing.T) {
	dir := smallTree(t)
	from, _ := newDocument(t)
	ctx, stop := context.WithCancel(t.Context())
	started := filepath.Join(t.TempDir(), "started")
	alive := filepath.Join(t.TempDir(), "alive")
	// The grandchild would tell that it outlived its parent.
	waiting := Step{Name: "test", Command: []string{"sh", "-c", "sh -c 'sleep 4; touch " + alive + "' & touch " + started + "; wait"}}
	go func() {
		for {
			if _, err := os.Stat(started); err == nil {
				stop()
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	before := status(t, dir)
	_, temp, err := run(t, ctx, dir, from, regenerated, waiting)
	if err == nil || !strings.Contains(err.Error(), "the tree is as it was") || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after := status(t, dir); after != before {
		t.Errorf("the tree changed:\n%s", after)
	}
	if left := left(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	time.Sleep(5 * time.Second)
	if _, err := os.Stat(alive); err == nil {
		t.Error("what the step had started went on")
	}
}

func TestFilesThatCannotBeReplacedArePutBack(t *testing.T) {
	dir := smallTree(t)
	_, document := newDocument(t)
	copied := t.TempDir()
	tree, err := copyTree(t.Context(), dir, copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.putDocument(document); err != nil {
		t.Fatal(err)
	}
	// The last in the order of paths fails to be replaced: a directory is in its place.
	write(t, copied, "generated/zz.txt", "new")
	replacements, err := tree.replacements()
	if err != nil || len(replacements) != 3 {
		t.Fatal(len(replacements), err)
	}
	before := status(t, dir)
	breakLast := func() {
		if err := os.MkdirAll(filepath.Join(dir, "openapi.yaml.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(filepath.Join(dir, documentFile), filepath.Join(dir, "openapi.yaml.d/x")), os.Rename(filepath.Join(dir, "openapi.yaml.d"), filepath.Join(dir, documentFile))); err != nil {
			t.Fatal(err)
		}
	}
	if err := replaceAll(t.Context(), dir, replacements, breakLast); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if err := errors.Join(os.Rename(filepath.Join(dir, documentFile, "x"), filepath.Join(dir, "x")), os.Remove(filepath.Join(dir, documentFile)), os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, documentFile))); err != nil {
		t.Fatal(err)
	}
	if after := status(t, dir); after != before {
		t.Errorf("the tree changed:\n%s", after)
	}
}

func TestAnEntryThatMatchesNoOperationFails(t *testing.T) {
	for change, want := range map[string]string{
		"    - ListDeploymentRecords\n    - ListThings\n": "the entry ListThings of include-operation-ids matches no operation",
		"    - ListThings\n":                              "the entry ListThings of include-operation-ids matches no operation",
		"":                                                "has no include-operation-ids",
	} {
		for _, config := range []string{"oapi-codegen.yaml", "internal/contract/oapi-codegen.client.yaml"} {
			dir := t.TempDir()
			for _, path := range []string{"oapi-codegen.yaml", "internal/contract/oapi-codegen.client.yaml", "generated/server/server.gen.go", "generated/client/client.gen.go"} {
				text, err := os.ReadFile(filepath.Join("../..", path))
				if err != nil {
					t.Fatal(err)
				}
				if path == config {
					changed := strings.Replace(string(text), "    - ListDeploymentRecords\n", change, 1)
					if changed == string(text) {
						t.Fatal("the list is not found")
					}
					text = []byte(changed)
				}
				write(t, dir, path, string(text))
			}
			if err := CheckOperations(dir); err == nil || !strings.Contains(err.Error(), config) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %q: got %v", config, change, err)
			}
		}
	}
}

func TestFailuresTellThePlace(t *testing.T) {
	for output, want := range map[string]string{
		"# x/internal/api\ninternal/api/enums.go:19:9: undefined: server.A\ninternal/api/api.go:3:1: b\n":                                                              "internal/api/enums.go:19:9: undefined: server.A|internal/api/api.go:3:1: b",
		"vet: internal/x/a_test.go:3:1: undefined: b\n":                                                                                                                "internal/x/a_test.go:3:1: undefined: b",
		"ok  \tx/a\t1s\n--- FAIL: TestA (0.1s)\n    a_test.go:3: it is wrong\n        more\n    --- FAIL: TestA/b (0s)\n        a_test.go:4: b\nFAIL\nFAIL\tx/b\t1s\n": "x/b|TestA|  a_test.go:3: it is wrong|    more|TestA/b|  a_test.go:4: b",
		"--- FAIL: TestA (0.1s)\n    a_test.go:3: same\n--- FAIL: TestB (0.1s)\n    a_test.go:3: same\nFAIL\tx/b\t1s\n":                                                "x/b|TestA|  a_test.go:3: same|TestB",
		"panic: runtime error\nFAIL\tx/b\t1s\n":                                                                                                                        "x/b|panic: runtime error",
		"one\ntwo\n":                                                                                                                                                   "one|two",
	} {
		if got := strings.Join(failures(output), "|"); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", output, got, want)
		}
	}
}

// The command, as make runs it.
func TestTheCommandAsksForADocument(t *testing.T) {
	for _, args := range [][]string{nil, {"-from", ""}, {"-from", "a", "b"}} {
		command := exec.Command("go", append([]string{"run", "../../cmd/specupdate"}, args...)...)
		out, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "usage: make spec-update FROM=path-or-https-URL") {
			t.Errorf("%q: got %v, %s", args, err, out)
		}
	}
}
