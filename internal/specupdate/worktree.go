package specupdate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	documentFile = "openapi.yaml"
	// digestFile pins the digest of the document, so that a change of the document never goes unnoticed.
	digestFile   = "architecture_test.go"
	generatedDir = "generated"
)

var digestLine = regexp.MustCompile(`const digest = "sha256:[0-9a-f]{64}"`)

// worktree is a git worktree in which an update is tried. It starts as a snapshot of the maintainer's tree.
type worktree struct {
	main     repository // the maintainer's tree
	linked   repository // the new worktree
	snapshot repository // the maintainer's tree, with an index that holds the snapshot
	scratch  string     // the temporary directory that holds the worktree, the snapshot's index and the logs
	treeID   string     // the git tree of the snapshot
}

// checkRoot fails, with an error of one line, unless dir is the root of a git repository.
func checkRoot(ctx context.Context, dir string) error {
	prefix, err := repository{dir: dir}.git(ctx, "", "rev-parse", "--show-prefix")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("git is not installed, and spec-update needs it")
	case err != nil && strings.Contains(err.Error(), "not a git repository"):
		return fmt.Errorf("%s is not in a git repository, run spec-update in a clone", dir)
	case err != nil:
		line, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("git cannot read the repository of %s: %s", dir, line)
	case prefix != "":
		return fmt.Errorf("%s is not the root of its git repository, run spec-update in a clone", dir)
	}
	return nil
}

// addWorktree adds a worktree with the files of the tree in dir as they are now: uncommitted changes and untracked files
// included, ignored files excluded. It fails if files that an update replaces have uncommitted changes.
func addWorktree(ctx context.Context, dir string) (_ *worktree, err error) {
	main := repository{dir: dir}
	changed, err := main.git(ctx, "", "status", "--porcelain", "--", documentFile, generatedDir)
	if err != nil {
		return nil, err
	}
	if changed != "" {
		return nil, fmt.Errorf("%[1]s or %[2]s/ have uncommitted changes, which an update would replace: commit them, or run git checkout -- %[1]s %[2]s\n%[3]s",
			documentFile, generatedDir, changed)
	}
	scratch, err := os.MkdirTemp("", "spec-update-")
	if err != nil {
		return nil, err
	}
	w := &worktree{
		main: main, scratch: scratch,
		linked:   repository{dir: filepath.Join(scratch, "tree")},
		snapshot: repository{dir: dir, index: filepath.Join(scratch, "index")},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.remove(ctx))
		}
	}()
	// Ignored files that are tracked all the same are in the repository's index alone.
	tracked, err := main.git(ctx, "", "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	if _, err := w.snapshot.git(ctx, tracked, "update-index", "-z", "--index-info"); err != nil {
		return nil, err
	}
	if w.treeID, err = w.snapshot.addAll(ctx); err != nil {
		return nil, err
	}
	commit, err := main.git(ctx, "", "commit-tree", "-m", "Snapshot for spec-update", w.treeID)
	if err != nil {
		return nil, err
	}
	_, err = main.git(ctx, "", "worktree", "add", "--quiet", "--detach", w.linked.dir, commit)
	return w, err
}

// remove removes the worktree and the temporary files.
func (w *worktree) remove(ctx context.Context) error {
	var err error
	if _, statErr := os.Stat(w.linked.dir); statErr == nil {
		_, err = w.main.git(ctx, "", "worktree", "remove", "--force", w.linked.dir)
	}
	return errors.Join(err, os.RemoveAll(w.scratch))
}

// putDocument writes the new document and its digest into the worktree.
func (w *worktree) putDocument(document []byte) error {
	file := filepath.Join(w.linked.dir, digestFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(digestLine.FindAll(text, -1)) != 1 {
		return fmt.Errorf("%s does not have one line %s", digestFile, digestLine)
	}
	text = digestLine.ReplaceAll(text, fmt.Appendf(nil, `const digest = "sha256:%x"`, sha256.Sum256(document)))
	return errors.Join(os.WriteFile(file, text, 0o644), os.WriteFile(filepath.Join(w.linked.dir, documentFile), document, 0o644))
}

// apply applies the update to the maintainer's tree, wholly or not at all, and returns what git status reports for it.
func (w *worktree) apply(ctx context.Context) (status string, err error) {
	if err := w.checkUnchanged(ctx); err != nil {
		return "", err
	}
	updated := []string{"--", documentFile, digestFile, generatedDir}
	if _, err := w.linked.git(ctx, "", append([]string{"add", "--all"}, updated...)...); err != nil {
		return "", err
	}
	// diff-index, unlike diff, ignores the maintainer's settings.
	patch, err := w.linked.git(ctx, "", append([]string{"diff-index", "--cached", "--no-renames", "--binary", w.treeID}, updated...)...)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return "", err
	}
	if _, err := w.main.git(ctx, patch+"\n", "apply", "--whitespace=nowarn"); err != nil {
		return "", err
	}
	return w.main.git(ctx, "", append([]string{"status", "--porcelain"}, updated...)...)
}

// checkUnchanged fails if the maintainer's tree is no longer the snapshot, which the steps tested. It permits new files
// that begin with a dot: editors create them.
func (w *worktree) checkUnchanged(ctx context.Context) error {
	now, err := w.snapshot.addAll(ctx)
	if err != nil {
		return err
	}
	lines, err := w.main.git(ctx, "", "diff-tree", "-r", "--no-renames", "--name-status", w.treeID, now)
	if err != nil {
		return err
	}
	var changed []string
	for line := range strings.Lines(lines) {
		status, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if status != "A" || !strings.HasPrefix(filepath.Base(path), ".") {
			changed = append(changed, path)
		}
	}
	if len(changed) > 0 {
		return fmt.Errorf("the tree changed during the update, so the steps tested another version: %s. Run the command again", strings.Join(changed, ", "))
	}
	return nil
}

// repository is a git work tree.
type repository struct {
	dir string
	// index replaces the repository's index file if it is not empty.
	index string
}

// addAll adds all files to the index and returns the resulting tree's id.
func (r repository) addAll(ctx context.Context) (treeID string, err error) {
	if _, err := r.git(ctx, "", "add", "--all"); err != nil {
		return "", err
	}
	return r.git(ctx, "", "write-tree")
}

// git runs a git command and returns its output without the last line's end. The maintainer's hooks do not run, and line
// ends stay as they are. Cancelling ctx does not stop the command: stopped, git could leave locks behind.
func (r repository) git(ctx context.Context, stdin string, args ...string) (string, error) {
	settings := []string{"-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "user.name=spec-update", "-c", "user.email=spec-update@localhost"}
	c := command(context.WithoutCancel(ctx), r.dir, "git", append(settings, args...)...)
	c.Env = append(c.Env, "LC_ALL=C") // checkRoot and isDiskFull read messages
	if r.index != "" {
		c.Env = append(c.Env, "GIT_INDEX_FILE="+r.index)
	}
	c.Stdin = strings.NewReader(stdin)
	out, err := output(c)
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// stopTimeout is the time that a command has to end after an interrupt.
const stopTimeout = 15 * time.Second

// command returns a command that runs in dir and in a process group of its own. A Ctrl-C at the terminal therefore does
// not reach it; cancelling ctx interrupts the whole group. The command does not inherit git's variables: in a hook and in
// git rebase --exec they name the repository and the index that every git command would work on.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = slices.DeleteFunc(c.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "GIT_") })
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	c.WaitDelay = stopTimeout
	return c
}

// output runs a command and returns its standard output; its error contains the command's standard error.
func output(c *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
