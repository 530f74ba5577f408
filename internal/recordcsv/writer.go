// Package recordcsv writes deployment records as RFC 4180 CSV.
package recordcsv

import (
	"bufio"
	"encoding/csv"
	"io"
	"strings"
	"time"
)

// Header has the names of the columns.
var Header = []string{
	"id", "environment_id", "environment_name", "logical_environment_id", "logical_environment_name", "deployment_name",
	"artifact_id", "artifact_kind", "artifact_name", "artifact_version", "artifact_digest",
	"status", "created_at", "updated_at", "last_seen_at",
}

// Writer writes rows after the header. Unless it is Safe, it writes values unchanged, even those that a spreadsheet runs as formulas.
type Writer struct {
	// Safe makes values that begin as a formula plain text.
	Safe bool
	// BOM marks the file as UTF-8 for Excel.
	BOM bool
	// Visible, if not nil, replaces each value before it is written.
	Visible func(string) string

	raw     *bufio.Writer
	csv     *csv.Writer
	started bool
}

// NewWriter returns a Writer. Its options may be set until the first row.
func NewWriter(out io.Writer) *Writer {
	raw := bufio.NewWriter(out)
	w := csv.NewWriter(raw)
	w.UseCRLF = true
	return &Writer{raw: raw, csv: w}
}

// Start writes the header, if that has not been done.
func (w *Writer) Start() {
	if w.started {
		return
	}
	w.started = true
	if w.BOM {
		_, _ = w.raw.WriteString("\ufeff")
	}
	_ = w.csv.Write(Header)
}

// Write writes a row with a value for each column of the header. Flush returns its error.
func (w *Writer) Write(row []string) {
	w.Start()
	for i, value := range row {
		if w.Visible != nil {
			value = w.Visible(value)
		}
		if w.Safe {
			value = withoutFormula(value)
		}
		row[i] = value
	}
	_ = w.csv.Write(row)
}

// Flush writes what is buffered, and returns the first error of all writes.
func (w *Writer) Flush() error {
	w.csv.Flush() // into raw
	return w.raw.Flush()
}

// formulaStarts are the characters with which a spreadsheet begins a formula, also in their full-width forms, and those that it
// skips before one.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// withoutFormula puts an apostrophe before a value that a spreadsheet would run as a formula. The spreadsheet shows the value as
// text.
func withoutFormula(value string) string {
	if value != "" && strings.ContainsAny(string([]rune(value)[:1]), formulaStarts) {
		return "'" + value
	}
	return value
}

// FormatTime formats a time as the API does (R2).
func FormatTime(t time.Time) string { return t.Format(time.RFC3339Nano) }
