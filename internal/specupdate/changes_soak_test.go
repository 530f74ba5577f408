//go:build soak

package specupdate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// TestUpstreamChangesEndToEnd runs the command with every kind of change in a copy of this module. An update that
// passes has run the tests of the server with the new document, which check each response with two validators. An update
// that stops leaves the tree unchanged. Each takes about half a minute.
func TestUpstreamChangesEndToEnd(t *testing.T) {
	dir := moduleInRepository(t)
	for _, c := range upstreamChanges {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			output, state, err := runInModule(t, dir, contracttest.Changed(t, contracttest.Base(), c.changes...), changesSteps...)
			if c.stops != "" {
				if err == nil || !strings.Contains(err.Error(), `the step "`+c.stops+`" failed`) || !strings.Contains(err.Error(), c.at) {
					t.Errorf("want a stop in %s at %q; got %v\n%s", c.stops, c.at, err, output)
				}
				if state != "\n" {
					t.Errorf("the tree changed:\n%s", state)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, want := range c.summary {
				if !regexp.MustCompile(want).MatchString(output) {
					t.Errorf("the output does not contain %s\n%s", want, output)
				}
			}
			if !strings.Contains(state, " M "+documentFile+"\n") || !strings.Contains(state, " M "+digestFile+"\n") || strings.Contains(state, "??") {
				t.Errorf("git status:\n%s", state)
			}
			if c.name == "the whole API" && strings.Contains(state, generatedDir+"/") {
				t.Error("the update generated code for operations that are not implemented")
			}
		})
	}
}

// changesSteps are the default steps without the linters and without tests that do not depend on the document.
var changesSteps = stepsWith(map[string]string{
	"build": "go build ./internal/... ./generated/... ./deployrecordstest",
	"serve": "",
	"check": "",
	"test":  `go test -run '^Test(L|Q|R)\d|Document|Defaults|Schemas|Enums|Constant|Contract|Operations' . ./internal/api ./internal/httpserver`,
})
