package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

var update = flag.Bool("update", false, "write the golden files")

// The list of rules at the end of docs/conformance.md is made from the rules themselves.
func TestTheRulesAreDocumented(t *testing.T) {
	const path, heading = "../../docs/conformance.md", "## The rules\n\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no list of rules", path)
	}
	var want strings.Builder
	want.WriteString(before + heading + "| id | kind | what it says |\n|---|---|---|\n")
	seen := make(map[string]bool)
	for _, r := range report.Rules() {
		if seen[r.ID] || r.ID == "" || !strings.HasSuffix(r.Sentence, ".") || (r.Basis == report.Own) != (r.Number != "") {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", r.ID, strings.TrimSpace(string(r.Basis)+" "+r.Number), strings.ReplaceAll(r.Sentence, "|", `\|`))
	}
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want.String() != string(text) {
		t.Errorf("%s has other rules; go test ./internal/conformance -run Documented -update writes them", path)
	}
}

// Every rule has a server that breaks it, so that none is there for show.
func TestEveryRuleCanBeBroken(t *testing.T) {
	broken := map[string]bool{"request.valid": true, "request.required": true, "answer.status": true, "answer.headers": true, "body.schema": true} // by other documents: see document_test.go
	for _, b := range brokenStores {
		broken[b.rule] = true
	}
	for _, b := range brokenAnswers {
		broken[b.rule] = true
	}
	for _, r := range report.Rules() {
		if !broken[r.ID] {
			t.Errorf("no server of the tests breaks %s: %s", r.ID, r.Sentence)
		}
	}
}
