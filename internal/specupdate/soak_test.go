//go:build soak

package specupdate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// worktreeLink is a link to the worktree of each update. The build cache has packages by their path, so it serves all
// updates if the steps run there. git ignores the directory.
const worktreeLink = "../../bin/spec-update"

// moduleInRepository returns a copy of this module in a repository of its own, without uncommitted changes.
func moduleInRepository(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "module")
	contracttest.CopyModule(t, "../..", dir)
	commit(t, dir)
	link, err := filepath.Abs(worktreeLink)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(link) })
	t.Setenv("WORKTREE_LINK", link)
	// The linters of the step "check" include vet.
	t.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+" -vet=off")
	return dir
}

// runInModule runs an update of the module to the document, reverts it, and returns git's status between the two.
func runInModule(t *testing.T, dir string, document []byte, steps ...Step) (output, state string, err error) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "next.yaml")
	if err := os.WriteFile(from, document, 0o600); err != nil {
		t.Fatal(err)
	}
	output, _, err = run(t.Context(), t, dir, from, steps...)
	state = git(t, dir, "status", "--porcelain", "--untracked-files=all") + "\n"
	git(t, dir, "checkout", "-q", "--", ".")
	return output, state, err
}

// stepsWith returns the default steps, with commands of the shell that replace theirs, by their names. A step whose command
// is empty is left out.
func stepsWith(commands map[string]string) (steps []Step) {
	for _, step := range DefaultSteps() {
		command, replaced := commands[step.Name]
		switch {
		case !replaced:
			command = strings.Join(step.Command, " ")
		case command == "":
			continue
		}
		step.Command = []string{"sh", "-ec", `ln -sfn "$PWD" "$WORKTREE_LINK"; cd "$WORKTREE_LINK"; ` + command}
		steps = append(steps, step)
	}
	return steps
}
