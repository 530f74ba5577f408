package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFailedScenarioKeepsItsResults(t *testing.T) {
	broken := errors.New("it broke\nat length")
	report, err := scenario{name: "speed", measure: func(context.Context, *testbed) ([]Result, error) {
		return []Result{{What: "speed", Measured: "2 s"}}, broken
	}}.run(t.Context(), &testbed{Options: Options{Progress: t.Output()}})
	if !errors.Is(err, broken) || len(report.Results) != 2 || report.Results[0].Measured != "2 s" || report.Results[1].Error != "it broke" {
		t.Errorf("got %+v, %v", report.Results, err)
	}
}

func TestFindingsOfConformAreErrors(t *testing.T) {
	for _, c := range []struct{ report, want string }{
		{`{"rules": [{"id": "a", "faults": 0}], "comparison": {"asked": 6000, "different": 2}}`, ""},
		{
			`{"rules": [{"id": "a", "faults": 1}, {"id": "b", "faults": 0}, {"id": "c", "faults": 2}], "comparison": {"asked": 6000, "different": 2}}`,
			"conform: SQLite breaks a, c; 2 of 6,000 answers differ from PostgreSQL's",
		},
		{`{"broken": "the server is gone", "comparison": {"asked": 10}}`, "conform is incomplete: the server is gone; 0 of 10 answers differ from PostgreSQL's"},
		{`{"rules": [{"id": "a"}], "comparison": {"asked": 0}}`, "conform compared no answers"},
	} {
		var report conformReport
		if err := json.Unmarshal([]byte(c.report), &report); err != nil {
			t.Fatal(err)
		}
		if err := report.err(); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: got %v, want %q", c.report, err, c.want)
		}
	}
}

// The comparison runs late in the scenario. Its failure must not lose the results before and after it.
func TestFailedComparisonKeepsTheOtherResults(t *testing.T) {
	dir := t.TempDir()
	tb := &testbed{
		Options: Options{Records: 2000, Tree: "../..", Progress: t.Output(), Pairs: 1, Duration: 10 * time.Millisecond, MaxDuration: time.Minute},
		slots:   slotCount(2000, recordsPerSlot), dir: dir, program: filepath.Join(dir, "with-another-conform"), datasets: map[string]*dataset{},
	}
	program := filepath.Join(dir, "deployrecords")
	if err := build(t.Context(), tb.Tree, "./cmd/deployrecords", program); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = conform ] || exec '" + program + "' \"$@\"\necho 'deployrecords: could not judge' >&2\nexit 2\n"
	if err := os.WriteFile(tb.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	// conform fails before it sends a request to this stand-in for PostgreSQL.
	other := *tb
	other.dir = t.TempDir()
	d, err := other.sqliteDataset(t.Context(), tb.Records)
	if err != nil {
		t.Fatal(err)
	}
	tb.datasets[fmt.Sprintf("records_%d", tb.Records)] = d

	results, err := measureSQLite(t.Context(), tb)
	const reason = "conform: exit status 2: deployrecords: could not judge"
	if err == nil || !strings.HasPrefix(err.Error(), reason) {
		t.Errorf("got %v", err)
	}
	var all []string
	for _, r := range results {
		all = append(all, strings.Join(r.Cells(), " | "))
	}
	got := strings.Join(all, "\n")
	failed := slices.IndexFunc(results, func(r Result) bool { return r.Error == reason })
	if failed < 2 || failed == len(results)-1 || results[failed-1].Measured == "" || results[failed+1].Measured == "" ||
		!strings.Contains(got, "SQLite: last page of the full history") {
		t.Errorf("got\n%s", got)
	}
}
