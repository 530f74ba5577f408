package cli

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writeManual writes the pages into a directory and returns their paths by the name of their command, "" for the program.
func writeManual(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := WriteManual(dir, "1.2.3", "2026-11-30"); err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"": filepath.Join(dir, "deployrecords.1.gz")}
	for _, command := range commandNames(t) {
		pages[command] = filepath.Join(dir, "deployrecords-"+strings.ReplaceAll(command, " ", "-")+".1.gz")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != len(pages) {
		t.Errorf("got %v, %v", files, err)
	}
	return pages
}

// uncompressed returns the text of a gzip file.
func uncompressed(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The pages have each word of the help, in its order apart from the sections that follow the options.
func TestTheManualHasWhatTheHelpHas(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for command, path := range writeManual(t) {
		text := uncompressed(t, path)
		page := strings.Join(strings.Fields(strings.NewReplacer(`\fB`, "", `\fI`, "", `\fR`, "", `\-`, "-", `\(dq`, `"`, `\e`, `\`, `\&`, "").Replace(text)), " ")
		help, _, _ := run(t, strings.Fields(command+" --help")...)
		for line := range strings.Lines(help) {
			for part := range strings.SplitSeq(strings.TrimSpace(line), "  ") {
				part = strings.TrimPrefix(strings.Trim(part, " \n"), "Usage: ")
				if heading := strings.HasSuffix(part, ":") && len(part) < 12; !heading && !strings.HasPrefix(part, `Run "`) && !strings.Contains(page, part) && !strings.Contains(page, "deployrecords-"+strings.ReplaceAll(part, " ", "-")+"(1)") {
					t.Errorf("%s: the page has no %q", filepath.Base(path), part)
				}
			}
		}
		for _, want := range []string{".TH DEPLOYRECORDS", `"2026-11-30" "deployrecords 1.2.3"`, ".SH NAME\n", ".SH SYNOPSIS\n", ".SH OPTIONS\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %s", filepath.Base(path), want)
			}
		}
	}
}

func TestTheManualIsValid(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("there is no mandoc")
	}
	for _, path := range writeManual(t) {
		if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", path).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
