package specupdate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpdateNeedsTheRootOfARepository(t *testing.T) {
	from, _ := newDocument(t)
	outside := smallTree(t)
	if err := os.RemoveAll(filepath.Join(outside, ".git")); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	git(t, parent, "init", "-q")
	inside := filepath.Join(parent, "project")
	if err := os.Rename(smallTree(t), inside); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(inside, ".git")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		outside: outside + " is not in a git repository, run spec-update in a clone",
		inside:  inside + " is not the root of its git repository, run spec-update in a clone",
	} {
		output, temp, err := run(t.Context(), t, dir, from, regenerate)
		if err == nil || err.Error() != "nothing changed: "+want {
			t.Errorf("got %v\n%s", err, output)
		}
		if left := filesIn(t, temp); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestTreeThatChangesDuringTheUpdateIsNotWrittenTo(t *testing.T) {
	dir := smallTree(t)
	from, _ := newDocument(t)
	edit := Step{Name: "test", Command: []string{"sh", "-c", `cd "$0" && echo x >> internal/api/api.go && touch .editing.swp internal/new.go && rm go.mod`, dir}}
	_, _, err := run(t.Context(), t, dir, from, regenerate, edit)
	if err == nil || !strings.Contains(err.Error(), "the tree changed during the update") || !strings.Contains(err.Error(), ": go.mod, internal/api/api.go, internal/new.go.") {
		t.Errorf("got %v", err)
	}
	if state := git(t, dir, "status", "--porcelain"); state != " D go.mod\n M internal/api/api.go\n?? .editing.swp\n?? internal/new.go" {
		t.Errorf("git status:\n%s", state)
	}
}

func TestUpdateThatDoesNotApplyChangesNoFile(t *testing.T) {
	dir := smallTree(t)
	_, document := newDocument(t)
	w, err := addWorktree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.remove(t.Context()) }()
	if err := w.putDocument(document); err != nil {
		t.Fatal(err)
	}
	write(t, w.linked.dir, "generated/zz.txt", "new")
	// The last path of the patch cannot be created: git ignores the file in its place, and so does the comparison with the
	// snapshot.
	write(t, dir, ".git/info/exclude", "zz.txt\n")
	git(t, w.linked.dir, "add", "--force", "generated/zz.txt")
	write(t, dir, "generated/zz.txt", "another")
	before := status(t, dir)
	if _, err := w.apply(t.Context()); err == nil || !strings.Contains(err.Error(), "generated/zz.txt: already exists") {
		t.Errorf("got %v", err)
	}
	if after := status(t, dir); after != before {
		t.Errorf("the tree changed:\n%s", after)
	}
}

// In a hook and in git rebase --exec, variables name the index that git commands work on. Settings can change the form of
// patches, run hooks and convert line ends.
func TestUpdateIgnoresGitVariablesAndSettings(t *testing.T) {
	dir, other := smallTree(t), smallTree(t)
	write(t, other, "mine.txt", "staged")
	git(t, other, "add", "mine.txt")
	write(t, dir, ".git/hooks/post-checkout", "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(filepath.Join(dir, ".git/hooks/post-checkout"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"core.autocrlf=true", "diff.noprefix=true", "diff.external=false", "diff.renames=copies", "color.ui=always", "commit.gpgSign=true", "apply.whitespace=error"} {
		key, value, _ := strings.Cut(setting, "=")
		git(t, dir, "config", key, value)
	}
	index := filepath.Join(other, ".git", "index")
	before, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	from, document := newDocument(t)
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	t.Setenv("GIT_INDEX_FILE", index)
	inStep := Step{Name: "needed", Command: []string{"sh", "-c", `echo x > y.txt && git add y.txt && ! env | grep '^GIT_'`}}
	output, _, err := run(t.Context(), t, dir, from, regenerate, inStep)
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if got, err := os.ReadFile(filepath.Join(dir, documentFile)); err != nil || string(got) != string(document) {
		t.Errorf("the document is not the new one, byte for byte (%v)", err)
	}
	if after, err := os.ReadFile(index); err != nil || string(after) != string(before) {
		t.Errorf("the index that the environment names changed (%v)", err)
	}
	if state := git(t, other, "status", "--porcelain"); state != "A  mine.txt" {
		t.Errorf("the other repository:\n%s", state)
	}
}
