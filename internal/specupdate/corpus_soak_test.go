//go:build soak

package specupdate

import (
	"strings"
	"testing"
)

// corpusSteps are the default steps without what no document changes. The tests are those of the packages that depend on the
// document, on one database; the conformance suite takes minutes, so only its tests of this server run. The step "test"
// finds the results of "serve" in the cache. The linters run if the generated code changed, on the packages that use it.
var corpusSteps = stepsWith(map[string]string{
	"build": "go build ./internal/... ./generated/... ./deployrecordstest",
	"serve": "go test -skip /PostgreSQL ./internal/httpserver ./internal/contracttest ./internal/conformance/spec",
	"check": "git diff --quiet HEAD -- generated || go tool -modfile=tools/go.mod golangci-lint run ./internal/api/... ./internal/cli/...",
	"test": `
		go test -skip /PostgreSQL . ./deployrecordstest ./internal/cli ./internal/contracttest ./internal/httpserver
		go test -skip /PostgreSQL -run 'ThisServer|Document|Unsupported|Pattern' ./internal/conformance
		go test -run 'Report|Reject|TheCorpus|Text|Document' ./internal/specupdate`,
})

// TestCorpusEndToEnd runs the command with the whole corpus in a copy of this module. A document that stops takes a quarter
// of a minute, one that the server follows about two. With -update it writes what it saw to the manual: for all documents,
// or for those that -run selects.
func TestCorpusEndToEnd(t *testing.T) {
	dir := moduleInRepository(t)
	for _, n := range corpus {
		t.Run(strings.ReplaceAll(n.name, " ", "_"), func(t *testing.T) {
			output, _, err := runInModule(t, dir, n.document(t), corpusSteps...)
			if !n.expects(err) {
				t.Fatalf("want: %s; got %v\n%s", n.expected(), err, output)
			}
			t.Log(n.seen(err))
			if *update {
				setSeen(t, n, err)
			}
		})
	}
}
