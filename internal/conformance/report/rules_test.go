package report_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

var update = flag.Bool("update", false, "write the golden files")

// The table at the end of docs/conformance.md is generated from the rules.
func TestRulesAreDocumented(t *testing.T) {
	const path, heading = "../../../docs/conformance.md", "## The rules\n\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no list of rules", path)
	}
	var want strings.Builder
	want.WriteString(before + heading + "| Id | Basis | Rule |\n|---|---|---|\n")
	seen := make(map[string]bool)
	for _, r := range report.Rules() {
		if seen[r.ID] || r.ID == "" || !strings.HasSuffix(r.Sentence, ".") || (r.Basis == report.Document || r.Basis == report.Relation) != (r.Number == "") {
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
		t.Errorf("%s does not list these rules; go test ./internal/conformance/report -run Documented -update writes them", path)
	}
}
