package contracttest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// besideTheModule are the names of directories and files that git, npm and make keep in the module's tree.
var besideTheModule = []string{".git", "node_modules", "bin", ".deployrecords"}

// CopyModule copies the module in the directory from to the directory to, for tests that change it. It omits what is not
// part of the module, such as the repository.
func CopyModule(t testing.TB, from, to string) {
	t.Helper()
	module := os.DirFS(from)
	err := fs.WalkDir(module, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(besideTheModule, entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o750)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := fs.ReadFile(module, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), content, info.Mode().Perm()|0o200)
	})
	if err != nil {
		t.Fatal(err)
	}
}
