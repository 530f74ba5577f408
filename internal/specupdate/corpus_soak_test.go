//go:build soak

package specupdate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpusEndToEnd runs the command with the whole corpus in a copy of this repository and logs what it saw. A document
// takes one to three minutes.
func TestCorpusEndToEnd(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-R", "../../.", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	commit(t, dir)
	for _, n := range corpus {
		t.Run(strings.ReplaceAll(n.name, " ", "_"), func(t *testing.T) {
			write(t, dir, "../next.yaml", string(n.document(t)))
			output, _, err := run(t.Context(), t, dir, filepath.Join(filepath.Dir(dir), "next.yaml"), corpusSteps()...)
			git(t, dir, "checkout", "-q", "--", ".")
			switch {
			case n.stops == "" && err != nil:
				t.Errorf("want an update that passes; got %v\n%s", err, output)
			case n.stops == "":
				t.Log("follows")
			case err == nil || !strings.Contains(err.Error(), n.at) || n.stops != "sanitize" && !strings.Contains(err.Error(), `the step "`+n.stops+`" failed`):
				t.Errorf("want a stop at %s with %q; got %v\n%s", n.stops, n.at, err, output)
			default:
				t.Logf("stops at %s: %s", n.stops, n.at)
			}
		})
	}
}

// corpusSteps are the default steps with the linters of the packages that use the generated code, and with the packages
// whose tests depend on the document. The conformance suite takes minutes, so they run only its tests of this server.
func corpusSteps() (steps []Step) {
	for _, step := range DefaultSteps() {
		switch step.Name {
		case "build":
			step.Command = []string{"go", "build", "-trimpath", "./..."}
		case "check":
			step.Command = []string{"go", "tool", "-modfile=tools/go.mod", "golangci-lint", "run", "./internal/api/...", "./internal/cli/..."}
		case "test":
			step.Command = []string{"sh", "-ec", `
				go test -trimpath -vet=off . ./deployrecordstest ./internal/cli ./internal/contracttest ./internal/httpserver
				go test -trimpath -vet=off -run 'ThisServer|Document|Unsupported|Pattern' ./internal/conformance
				go test -trimpath -vet=off -run 'Report|Reject|TheCorpus|Text|Document' ./internal/specupdate`}
		}
		steps = append(steps, step)
	}
	return steps
}
