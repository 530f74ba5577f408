package specupdate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tree is the repository's work tree and a copy of it, in which everything happens first.
type tree struct {
	dir, copy string
	// sums are the contents that were copied, by path.
	sums map[string][sha256.Size]byte
}

const (
	documentFile = "openapi.yaml"
	// pinFile says which document the build serves, so that no change of it goes unnoticed.
	pinFile      = "architecture_test.go"
	generatedDir = "generated"
)

var pin = regexp.MustCompile(`const digest = "sha256:[0-9a-f]{64}"`)

// copyTree copies the files that git knows or would know, as they are now, uncommitted changes included. The copy has
// an index of its own, so that git diff in it shows what the update does. It refuses a tree in which what the update
// replaces is changed already.
func copyTree(ctx context.Context, dir, to string) (*tree, error) {
	changed, err := git(ctx, dir, "status", "--porcelain", "--", documentFile, generatedDir)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		return nil, fmt.Errorf("%s or %s/ have changes that are not committed, and an update would replace them: commit them, or git checkout -- %s %s\n%s",
			documentFile, generatedDir, documentFile, generatedDir, bytes.TrimRight(changed, "\n"))
	}
	t := &tree{dir: dir, copy: to}
	paths, err := t.files(ctx)
	if err != nil {
		return nil, err
	}
	t.sums = make(map[string][sha256.Size]byte)
	for _, path := range paths {
		if err := t.copyFile(path); err != nil {
			return nil, err
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}} {
		if _, err := git(ctx, to, args...); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// in lets a command run in a directory, and without git's variables: in a hook, and in git rebase --exec, they say which
// repository and which index git works on, wherever it runs.
func in(dir string, command *exec.Cmd) *exec.Cmd {
	command.Dir = dir
	command.Env = slices.DeleteFunc(command.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "GIT_") })
	return command
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	command := in(dir, exec.CommandContext(ctx, "git", args...))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// files are the paths of the tree's files, those left out that git still has and nobody else.
func (t *tree) files(ctx context.Context) ([]string, error) {
	out, err := git(ctx, t.dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var paths []string
	for path := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(t.dir, path)); err == nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func (t *tree) copyFile(path string) error {
	from, to := filepath.Join(t.dir, path), filepath.Join(t.copy, path)
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	if !info.Mode().IsRegular() {
		return nil // a repository within, a socket
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	t.sums[path] = sha256.Sum256(text)
	return os.WriteFile(to, text, info.Mode().Perm())
}

// putDocument writes the new document into the copy, and its digest where the present one's is.
func (t *tree) putDocument(document []byte) error {
	file := filepath.Join(t.copy, pinFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(pin.FindAll(text, -1)) != 1 {
		return fmt.Errorf("%s does not have one line %s", pinFile, pin)
	}
	text = pin.ReplaceAll(text, fmt.Appendf(nil, `const digest = "sha256:%x"`, sha256.Sum256(document)))
	return errors.Join(os.WriteFile(file, text, 0o644), os.WriteFile(filepath.Join(t.copy, documentFile), document, 0o644))
}

// unchanged fails if the tree is not what was copied: what passed its tests in the copy would be another program.
func (t *tree) unchanged(ctx context.Context) error {
	paths, err := t.files(ctx)
	if err != nil {
		return err
	}
	now := &tree{dir: t.dir, copy: "", sums: make(map[string][sha256.Size]byte)}
	for _, path := range paths {
		info, err := os.Lstat(filepath.Join(t.dir, path))
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return err
		}
		now.sums[path] = sha256.Sum256(text)
	}
	var changed []string
	for path := range now.sums {
		if _, before := t.sums[path]; !before && strings.HasPrefix(filepath.Base(path), ".") {
			continue // an editor's own, most likely
		}
		if now.sums[path] != t.sums[path] {
			changed = append(changed, path)
		}
	}
	for path := range t.sums {
		if _, there := now.sums[path]; !there {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	if len(changed) > 0 {
		return fmt.Errorf("the tree changed while the update was tried, so what was tested is not what is there: %s. Run it again", strings.Join(slices.Compact(changed), ", "))
	}
	return nil
}
