package deployrecords_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// A file that moves takes its name in the documents with it.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			files = append(files, "/"+filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, document := range append(documents, "README.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`([a-z0-9_/.]+\\.go)`").FindAllStringSubmatch(string(text), -1) {
			named++
			if !slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(file, "/"+name[1]) }) {
				t.Errorf("%s: %s does not exist", document, name[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("the documents name %d files", named)
	}
}

func TestArchitectureShowsTheStatementOfADeepPage(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	statement, err := os.ReadFile("internal/store/statements/testdata/history_seek.postgres.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```sql\n"+string(statement)+"```\n") {
		t.Error("docs/architecture.md does not show history_seek.postgres.sql")
	}
}

func TestOperationsShowsTheRightsOfAServer(t *testing.T) {
	page, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	grants, err := os.ReadFile("internal/store/schema/grants.sql")
	if err != nil {
		t.Fatal(err)
	}
	indented := "   " + strings.ReplaceAll(strings.TrimSuffix(string(grants), "\n"), "\n", "\n   ") + "\n"
	if !strings.Contains(string(page), "   ```sql\n"+indented+"   ```\n") {
		t.Error("docs/operations.md does not show internal/store/schema/grants.sql")
	}
}

func TestEveryDecisionHasANumberAStatusAndADate(t *testing.T) {
	paths, err := filepath.Glob("docs/adr/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d decisions: %v", len(paths), err)
	}
	status := regexp.MustCompile(`(?m)^Status: (accepted|superseded by \d{4})`)
	date := regexp.MustCompile(`(?m)^Date: \d{4}-\d\d-\d\d$`)
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		number := fmt.Sprintf("%04d", i+1)
		if !strings.HasPrefix(filepath.Base(path), number+"-") {
			t.Errorf("%s has not the number %s", path, number)
		}
		if !status.Match(text) || !date.Match(text) {
			t.Errorf("%s has no line Status or no line Date", path)
		}
	}
}

// A reader who runs the blocks of a page in their order has every variable that a block uses.
func TestDocumentedCommandsUseVariablesThatThePageSets(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("got %d pages: %v", len(pages), err)
	}
	block := regexp.MustCompile("(?ms)^```(?:sh|console)\n(.*?)^```")
	use := regexp.MustCompile(`\$\{?([A-Z][A-Z_]+)\b`)
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\n\n\n") {
			t.Errorf("%s has two blank lines in a row", page)
		}
		for _, at := range block.FindAllSubmatchIndex(text, -1) {
			code, before := string(text[at[2]:at[3]]), string(text[:at[3]])
			for _, name := range use.FindAllStringSubmatch(code, -1) {
				if name[1] != "PATH" && name[1] != "PWD" && !regexp.MustCompile(`\b`+name[1]+`(=| in )`).MatchString(before) {
					t.Errorf("%s: $%s is not set in this block or earlier:\n%s", page, name[1], code)
				}
			}
		}
	}
}
