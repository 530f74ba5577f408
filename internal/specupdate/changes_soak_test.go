//go:build soak

package specupdate

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// Every kind of change goes through the command, in a copy of this repository: it is followed, and then the tests of the
// server have passed with the new document, each answer judged by two validators; or it stops where a decision is
// needed, and the tree is as it was. It takes about half a minute a change.
func TestUpstreamsChangesEndToEnd(t *testing.T) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	original := &tree{dir: root, copy: dir, sums: map[string][32]byte{}}
	paths, err := original.files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := original.copyFile(path); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, dir)
	for _, c := range upstreamChanges {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			document := contracttest.Changed(t, deployrecords.OpenAPI(), c.changes...)
			from := filepath.Join(t.TempDir(), "new.yaml")
			if err := os.WriteFile(from, document, 0o600); err != nil {
				t.Fatal(err)
			}
			output, _, err := run(t, t.Context(), dir, from, soakSteps()...)
			state := status(t, dir)
			if _, err := git(context.Background(), dir, "checkout", "-q", "--", "."); err != nil {
				t.Fatal(err)
			}
			if c.stops != "" {
				if err == nil || !strings.Contains(err.Error(), `the step "`+c.stops+`" failed`) || !strings.Contains(err.Error(), c.at) {
					t.Errorf("want a stop in %s at %q; got %v\n%s", c.stops, c.at, err, output)
				}
				if state != "" {
					t.Errorf("the tree changed:\n%s", state)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, want := range c.summary {
				if !regexp.MustCompile(want).MatchString(output) {
					t.Errorf("the output does not say %s\n%s", want, output)
				}
			}
			if !strings.Contains(state, " M "+documentFile+"\n") || !strings.Contains(state, " M "+pinFile+"\n") || bytes.Contains([]byte(state), []byte("??")) {
				t.Errorf("git status:\n%s", state)
			}
			if c.name == "the whole API" && strings.Contains(state, generatedDir+"/") {
				t.Error("what is not implemented was generated")
			}
		})
	}
}

// soakSteps are the default ones, but for the linters and for the tests that no document concerns. Paths are left out of
// what is compiled, for the cache to serve one change after the other.
func soakSteps() (steps []Step) {
	for _, step := range DefaultSteps() {
		switch step.Name {
		case "build":
			step.Command = []string{"go", "build", "-trimpath", "./..."}
		case "check":
			continue
		case "test":
			step.Command = []string{"go", "test", "-trimpath", "-vet=off", "-run", `^Test(L|Q|R)\d|Document|Defaults|Schemas|Enums|Constant|Contract|Operations`, ".", "./internal/api", "./internal/httpserver"}
		}
		steps = append(steps, step)
	}
	return steps
}
