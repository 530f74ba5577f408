package cli

import (
	"bufio"
	"encoding/csv"
	"io"
	"strings"
	"time"
)

var csvHeader = []string{
	"id", "environment_id", "environment_name", "logical_environment_id", "logical_environment_name", "deployment_name",
	"artifact_id", "artifact_kind", "artifact_name", "artifact_version", "artifact_digest",
	"status", "created_at", "updated_at", "last_seen_at",
}

// csvPrinter writes RFC 4180. Unless it is safe, it writes values unchanged, even those that a spreadsheet runs as formulas.
// On a terminal, it replaces control characters.
type csvPrinter struct {
	raw       *bufio.Writer
	out       *csv.Writer
	safe, bom bool
	terminal  bool
	started   bool
}

func newCSVPrinter(out io.Writer, safe, bom bool) *csvPrinter {
	raw := bufio.NewWriter(out)
	w := csv.NewWriter(raw)
	w.UseCRLF = true
	return &csvPrinter{raw: raw, out: w, safe: safe, bom: bom, terminal: isTerminal(out)}
}

func (p *csvPrinter) page(page recordPage) error {
	if !p.started {
		p.started = true
		if p.bom {
			_, _ = p.raw.WriteString("\ufeff")
		}
		_ = p.out.Write(csvHeader)
	}
	for _, raw := range page.records {
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		row := []string{
			r.Id, r.EnvironmentId, r.EnvironmentName, orEmpty(r.LogicalEnvironmentId), orEmpty(r.LogicalEnvironmentName), r.DeploymentName,
			r.ArtifactId, r.Artifact.Kind, r.Artifact.Name, r.Artifact.Version, r.Artifact.Digest,
			string(r.Status), csvTime(r.CreatedAt), csvTime(r.UpdatedAt), csvTime(r.LastSeenAt),
		}
		if p.terminal {
			for i, value := range row {
				row[i] = visible(value)
			}
		}
		if p.safe {
			for i, value := range row {
				row[i] = withoutFormula(value)
			}
		}
		_ = p.out.Write(row)
	}
	p.out.Flush() // into raw
	return p.raw.Flush()
}

func (p *csvPrinter) end() error { return nil }

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

func csvTime(t time.Time) string { return t.Format(time.RFC3339Nano) }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
