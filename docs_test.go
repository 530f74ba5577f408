package deployrecords_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Documents must not be published with a placeholder for output that nobody has pasted in yet.
func TestDocumentsHaveNoPlaceholders(t *testing.T) {
	read := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && name != "." && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		read++
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "@@") {
				t.Errorf("%s:%d: a placeholder: %.80s", path, i+1, line)
			}
		}
		return err
	})
	if err != nil || read < 5 {
		t.Errorf("read %d documents: %v", read, err)
	}
}
