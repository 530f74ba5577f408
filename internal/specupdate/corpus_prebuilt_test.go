package specupdate

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prebuiltSteps are the steps "contract" and a part of "test": tests of a package, as a pattern of names.
var prebuiltSteps = []struct{ step, directory, run string }{
	{"contract", "internal/contract", "^TestTheDocuments"},
	{"contract", "internal/api", "."},
	{"test", "internal/conformance", "^TestThisServerHasNoFaults$/./^empty$"},
	{"test", "internal/httpserver", "EveryDocumented|TestL7_D|TestR1"},
}

// TestCorpusWithPrebuiltSteps runs the tests that depend most on upstream's document with a part of the corpus, on one
// database, and the step "contract" with every document that stops there. It compiles the tests once, with a contract.go
// that reads the document from a file, so the generated code is the present one. make soak runs the steps as they are, with
// the whole corpus.
func TestCorpusWithPrebuiltSteps(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binaries := t.TempDir()
	buildWithDocumentFromFile(t, root, binaries)
	for _, n := range corpus {
		if !n.prebuilt && n.stops != "contract" {
			continue
		}
		t.Run(strings.ReplaceAll(n.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "openapi.yaml")
			if err := os.WriteFile(file, n.document(t), 0o600); err != nil {
				t.Fatal(err)
			}
			var failures string
			for _, step := range prebuiltSteps {
				if n.stops == "contract" && step.step != "contract" {
					continue
				}
				test := exec.CommandContext(t.Context(), filepath.Join(binaries, filepath.Base(step.directory)+".test"), "-test.run", step.run, "-test.skip", "/PostgreSQL")
				test.Dir = filepath.Join(root, step.directory)
				test.Env = append(os.Environ(), "UPSTREAM_DOCUMENT="+file)
				if out, err := test.CombinedOutput(); err != nil {
					failures += "the step " + step.step + " stops in " + step.directory + ": " + err.Error() + "\n" + strings.Join(excerpt(string(out)), "\n") + "\n"
				}
			}
			switch {
			case n.stops != "contract" && failures != "":
				t.Error(failures)
			case n.stops == "contract" && (!strings.Contains(failures, n.at) || strings.Contains(failures, "panic: ")):
				t.Errorf("want a stop at %q without a panic; got %s", n.at, failures)
			}
		})
	}
}

// buildWithDocumentFromFile compiles the tests of prebuiltSteps.
func buildWithDocumentFromFile(t *testing.T, root, dir string) {
	t.Helper()
	source, err := os.ReadFile("testdata/document_from_file.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	replacement := filepath.Join(dir, "contract.go")
	if err := os.WriteFile(replacement, source, 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, "contract.go"): replacement}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", file, "-o", dir + string(filepath.Separator)}
	for _, step := range prebuiltSteps {
		args = append(args, "./"+step.directory)
	}
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
