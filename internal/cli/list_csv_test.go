package cli

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/recordcsv"
)

func TestSafeCSVHasNoFormula(t *testing.T) {
	values := map[string]string{ // each name with its cell; a line of CSV ends with CR LF, so the writer drops other CRs
		"=1+2": "'=1+2", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'x", "\r=1": "'=1", "\nx": "'\nx",
		"＝1": "'＝1", "－1": "'－1", `=HYPERLINK("http://x.test","y")`: `'=HYPERLINK("http://x.test","y")`,
		"api": "api", "a=1": "a=1", "'x": "'x", "1.4": "1.4", "ß": "ß",
	}
	for name, want := range values {
		s := newAPI(t)
		s.records = testRecords(1)
		for _, field := range []string{"environment_name", "logical_environment_name", "deployment_name"} {
			s.records[0][field] = name
		}
		s.records[0]["artifact"] = map[string]any{"kind": "HELM_CHART", "name": name, "version": name, "digest": testDigest}
		stdout, stderr, code := s.client("list", "--output", "csv", "--csv-safe")
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if err != nil || len(rows) != 2 || code != 0 {
			t.Fatalf("%q: exit code %d, %v: %s%s", name, code, err, stdout, stderr)
		}
		for i, column := range recordcsv.Header {
			cell, want := rows[1][i], want
			switch column {
			case "environment_name", "logical_environment_name", "deployment_name", "artifact_name", "artifact_version":
				if cell != want {
					t.Errorf("%q, %s: got %q, want %q", name, column, cell, want)
				}
			default:
				if strings.HasPrefix(cell, "'") || cell == "" {
					t.Errorf("%q, %s: got %q", name, column, cell)
				}
			}
		}
	}
}

func TestCSVBeginsWithAByteOrderMarkByOption(t *testing.T) {
	for _, n := range []int{0, 25} {
		s := newAPI(t)
		s.records = testRecords(n)
		plain, _, code := s.client("list", "--all", "--page-size", "10", "--output", "csv")
		if code != 0 || strings.Contains(plain, "\ufeff") {
			t.Errorf("exit code %d: %.40q", code, plain)
		}
		if marked, _, code := s.client("list", "--all", "--page-size", "10", "--output", "csv", "--csv-bom"); code != 0 || marked != "\ufeff"+plain {
			t.Errorf("%d records: exit code %d: %.40q", n, code, marked)
		}
	}
}

func TestCSVFlagsNeedCSV(t *testing.T) {
	clientEnvironment(t, "http://127.0.0.1:1")
	for _, flag := range []string{"--csv-safe", "--csv-bom"} {
		for _, output := range []string{"table", "json", "ndjson"} {
			if _, stderr, code := run(t, "list", "--output", output, flag); code != 2 || !strings.Contains(stderr, flag+": goes with --output csv only") {
				t.Errorf("%s with %s: exit code %d: %s", flag, output, code, stderr)
			}
		}
	}
}
