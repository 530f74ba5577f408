package contracttest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var changesUpstreams = regexp.MustCompile(`Changed\(\w+, deployrecords\.OpenAPI\(\)`)

// A test that changes upstream's document, or cuts text out of it, fails for a document that the server follows.
func TestTestsChangeTheBaseDocument(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if found := changesUpstreams.Find(text); found != nil {
			t.Errorf("%s: %s: change contracttest.Base() instead", path, found)
		}
		if strings.Contains(string(text), "string(deployrecords.OpenAPI()), \"") {
			t.Errorf("%s: cuts text out of upstream's document: change contracttest.Base() instead", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
