package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestARowThatFailsKeepsWhatItHadFound(t *testing.T) {
	broken := errors.New("it broke\nat length")
	part, err := runRow(t.Context(), &lab{progress: t.Output()}, row{name: "speed", run: func(context.Context, *lab) ([]Figure, error) {
		return []Figure{{What: "speed", Measured: "2 s"}}, broken
	}})
	if !errors.Is(err, broken) || len(part.Figures) != 2 || part.Figures[0].Measured != "2 s" || part.Figures[1].Failed != "it broke" {
		t.Errorf("got %+v, %v", part.Figures, err)
	}
}

func TestWhatConformFoundWrongIsAFault(t *testing.T) {
	for _, c := range []struct{ report, want string }{
		{`{"rules": [{"id": "a", "faults": 0}], "comparison": {"asked": 6000, "different": 2}}`, ""},
		{
			`{"rules": [{"id": "a", "faults": 1}, {"id": "b", "faults": 0}, {"id": "c", "faults": 2}], "comparison": {"asked": 6000, "different": 2}}`,
			"conform: SQLite breaks a, c; 2 of 6,000 answers differ from PostgreSQL's",
		},
		{`{"broken": "the server is gone", "comparison": {"asked": 10}}`, "conform could not judge all: the server is gone; 0 of 10 answers differ from PostgreSQL's"},
		{`{"rules": [{"id": "a"}], "comparison": {"asked": 0}}`, "conform compared no answers"},
	} {
		var report conformReport
		if err := json.Unmarshal([]byte(c.report), &report); err != nil {
			t.Fatal(err)
		}
		if err := report.fault(); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: got %v, want %q", c.report, err, c.want)
		}
	}
}

// The comparison comes late in the row; its end must not take the figures before it along, nor those after it.
func TestAComparisonThatFailsLeavesTheOtherFigures(t *testing.T) {
	dir := t.TempDir()
	l := &lab{
		records: 2000, slots: fewSlots(2000, recordsPerSlot), effort: Effort{Pairs: 1, Span: 10 * time.Millisecond, MostPerRow: time.Minute},
		tree: "../..", dir: dir, program: filepath.Join(dir, "with-another-conform"), progress: t.Output(), made: map[string]*dataset{},
	}
	program := filepath.Join(dir, "deployrecords")
	if err := l.build(t.Context(), l.tree, program); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = conform ] || exec '" + program + "' \"$@\"\necho 'deployrecords: could not judge' >&2\nexit 2\n"
	if err := os.WriteFile(l.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	// What would be PostgreSQL's is never asked.
	other := *l
	other.dir = t.TempDir()
	d, err := other.sqliteDataset(t.Context(), l.records)
	if err != nil {
		t.Fatal(err)
	}
	l.made[fmt.Sprintf("records_%d", l.records)] = d

	figures, err := inSQLite(t.Context(), l)
	const reason = "conform: exit status 2: deployrecords: could not judge"
	if err == nil || !strings.HasPrefix(err.Error(), reason) {
		t.Errorf("got %v", err)
	}
	var all []string
	for _, f := range figures {
		all = append(all, strings.Join(f.Cells(), " | "))
	}
	got := strings.Join(all, "\n")
	if len(figures) < 4 || figures[0].Measured == "" || figures[1].Measured == "" || figures[2].Failed != reason || figures[3].Measured == "" ||
		!strings.Contains(got, "SQLite: last page of the full history") {
		t.Errorf("got\n%s", got)
	}
}
