package specupdate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// replacement is a file of the tree that gets another content; nil is none.
type replacement struct {
	path       string
	old, new   []byte
	staged     string
	isReplaced bool
}

// apply brings the document, the generated code and the pin from the copy to the tree. First everything is written
// beside what it replaces; then the files change their names one by one, and back if one cannot. It gives the paths.
func (t *tree) apply(ctx context.Context) (paths []string, err error) {
	if err := t.unchanged(ctx); err != nil {
		return nil, err
	}
	replacements, err := t.replacements()
	if err != nil {
		return nil, err
	}
	return pathsOf(replacements), replaceAll(ctx, t.dir, replacements, func() {})
}

func pathsOf(replacements []*replacement) (paths []string) {
	for _, r := range replacements {
		paths = append(paths, r.path)
	}
	return paths
}

// replaceAll stages all files, calls staged, and replaces all of them or none.
func replaceAll(ctx context.Context, dir string, replacements []*replacement, staged func()) error {
	defer func() {
		for _, r := range replacements {
			if r.staged != "" && !r.isReplaced {
				_ = os.Remove(r.staged)
			}
		}
	}()
	for _, r := range replacements {
		if err := r.stage(dir); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	staged()
	// From here on it is a matter of milliseconds, and not given up half-way.
	for _, r := range replacements {
		if err := r.replace(dir); err != nil {
			for _, done := range replacements {
				if done.isReplaced {
					err = errors.Join(err, done.restore(dir))
				}
			}
			return err
		}
	}
	return nil
}

// replacements finds what differs between the copy and the tree.
func (t *tree) replacements() ([]*replacement, error) {
	paths := []string{documentFile, pinFile}
	for _, root := range []string{t.dir, t.copy} {
		err := filepath.WalkDir(filepath.Join(root, generatedDir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				relative, relErr := filepath.Rel(root, path)
				paths, err = append(paths, relative), relErr
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(paths)
	var found []*replacement
	for _, path := range slices.Compact(paths) {
		old, oldErr := os.ReadFile(filepath.Join(t.dir, path))
		now, newErr := os.ReadFile(filepath.Join(t.copy, path))
		for _, err := range []error{oldErr, newErr} {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		if !bytes.Equal(old, now) || (oldErr == nil) != (newErr == nil) {
			found = append(found, &replacement{path: path, old: contentOf(old, oldErr), new: contentOf(now, newErr)})
		}
	}
	return found, nil
}

// contentOf tells an empty file from none.
func contentOf(text []byte, err error) []byte {
	if err != nil {
		return nil
	}
	return append([]byte{}, text...)
}

func (r *replacement) stage(dir string) error {
	if r.new == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, r.path)), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(filepath.Join(dir, r.path)); err == nil {
		mode = info.Mode().Perm()
	}
	file, err := os.CreateTemp(filepath.Dir(filepath.Join(dir, r.path)), ".spec-update-*")
	if err != nil {
		return err
	}
	r.staged = file.Name()
	_, err = file.Write(r.new)
	return errors.Join(err, file.Sync(), file.Close(), os.Chmod(r.staged, mode))
}

func (r *replacement) replace(dir string) error {
	path := filepath.Join(dir, r.path)
	var err error
	if r.new == nil {
		err = os.Remove(path)
	} else {
		err = os.Rename(r.staged, path)
	}
	r.isReplaced = err == nil
	return err
}

func (r *replacement) restore(dir string) error {
	path := filepath.Join(dir, r.path)
	if r.old == nil {
		return os.Remove(path)
	}
	if err := os.WriteFile(path, r.old, 0o644); err != nil {
		return fmt.Errorf("%s is left changed: %w", r.path, err)
	}
	return nil
}
