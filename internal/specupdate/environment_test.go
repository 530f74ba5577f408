package specupdate

import (
	"os"
	"path/filepath"
	"testing"
)

// In a hook and in git rebase --exec, git says by its variables which index commands work on.
func TestAnUpdateLeavesTheIndexThatTheEnvironmentNamesAlone(t *testing.T) {
	dir, other := smallTree(t), smallTree(t)
	write(t, other, "mine.txt", "staged by somebody")
	if _, err := git(t.Context(), other, "add", "mine.txt"); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(other, ".git", "index")
	before, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	from, _ := newDocument(t)
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	t.Setenv("GIT_INDEX_FILE", index)
	inStep := Step{Name: "needed", Command: []string{"sh", "-c", `echo x > y.txt && git add y.txt && ! env | grep '^GIT_'`}}
	output, _, err := run(t, t.Context(), dir, from, regenerated, inStep)
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if after, err := os.ReadFile(index); err != nil || string(after) != string(before) {
		t.Errorf("the index that the environment names changed (%v)", err)
	}
	if state, err := git(t.Context(), other, "status", "--porcelain"); err != nil || string(state) != "A  mine.txt\n" {
		t.Errorf("the other repository: %v\n%s", err, state)
	}
}
