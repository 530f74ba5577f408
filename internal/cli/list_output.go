package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/deployrecords/deployrecords/generated/client"
)

// printer writes records in a form, page by page. What it has of a page is written before it takes the next: only a
// table, whose columns are as wide as they need be, is kept until the end.
type printer interface {
	page(page recordPage) error
	end() error
}

// newPrinter is nil if there is no such form.
func newPrinter(form string, all bool, streams Streams) printer {
	switch {
	case form == "table":
		return &tablePrinter{out: streams.Out, now: time.Now()}
	case form == "json" && all:
		return &jsonPrinter{out: bufio.NewWriter(streams.Out)}
	case form == "json":
		return &bodyPrinter{out: streams.Out}
	case form == "ndjson":
		return &ndjsonPrinter{out: bufio.NewWriter(streams.Out)}
	case form == "csv":
		w := csv.NewWriter(streams.Out)
		w.UseCRLF = true // RFC 4180
		return &csvPrinter{out: w}
	}
	return nil
}

// bodyPrinter gives the answer as the server sent it.
type bodyPrinter struct{ out io.Writer }

func (p *bodyPrinter) page(page recordPage) error { return writeBody(p.out, page.body) }
func (p *bodyPrinter) end() error                 { return nil }

// writeBody ends the body with a line break if it has none.
func writeBody(out io.Writer, body []byte) error {
	if !bytes.HasSuffix(body, []byte("\n")) {
		body = append(body, '\n')
	}
	_, err := out.Write(body)
	return err
}

// jsonPrinter makes one answer of all pages. The pagination is the last page's.
type jsonPrinter struct {
	out        *bufio.Writer
	begun      bool
	pagination client.OffsetPagination
}

func (p *jsonPrinter) page(page recordPage) error {
	for _, record := range page.records {
		p.next()
		_, _ = p.out.Write(record)
	}
	p.pagination = page.pagination
	return p.out.Flush() // gives the first error of all
}

// next writes what stands before a record.
func (p *jsonPrinter) next() {
	between := ","
	if !p.begun {
		between = `{"deployment_records":[`
		p.begun = true
	}
	_, _ = p.out.WriteString(between)
}

func (p *jsonPrinter) end() error {
	if !p.begun {
		p.next()
	}
	pagination, err := json.Marshal(p.pagination)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "],\"pagination\":%s}\n", pagination)
	return p.out.Flush()
}

// ndjsonPrinter writes what import reads: each record as the server sent it, on a line of its own.
type ndjsonPrinter struct{ out *bufio.Writer }

func (p *ndjsonPrinter) page(page recordPage) error {
	for _, record := range page.records {
		_, _ = p.out.Write(compact(record))
		_ = p.out.WriteByte('\n')
	}
	return p.out.Flush()
}

func (p *ndjsonPrinter) end() error { return nil }

var csvHeader = []string{
	"id", "environment_id", "environment_name", "logical_environment_id", "logical_environment_name", "deployment_name",
	"artifact_id", "artifact_kind", "artifact_name", "artifact_version", "artifact_digest",
	"status", "created_at", "updated_at", "last_seen_at",
}

// csvPrinter gives the data as they are: no apostrophe is put before what a spreadsheet may take for a formula.
type csvPrinter struct {
	out   *csv.Writer
	begun bool
}

func (p *csvPrinter) page(page recordPage) error {
	if !p.begun {
		p.begun = true
		_ = p.out.Write(csvHeader)
	}
	for _, raw := range page.records {
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		_ = p.out.Write([]string{
			r.Id, r.EnvironmentId, r.EnvironmentName, orEmpty(r.LogicalEnvironmentId), orEmpty(r.LogicalEnvironmentName), r.DeploymentName,
			r.ArtifactId, r.Artifact.Kind, r.Artifact.Name, r.Artifact.Version, r.Artifact.Digest,
			string(r.Status), csvTime(r.CreatedAt), csvTime(r.UpdatedAt), csvTime(r.LastSeenAt),
		})
	}
	p.out.Flush()
	return p.out.Error()
}

func (p *csvPrinter) end() error { return nil }

func csvTime(t time.Time) string { return t.Format(time.RFC3339Nano) }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func decodeRecord(raw json.RawMessage) (r client.DeploymentRecord, err error) {
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("a record of the answer is not as the contract says: %w", err)
	}
	return r, nil
}

// tablePrinter keeps the cells of all rows.
type tablePrinter struct {
	out  io.Writer
	now  time.Time
	rows []tableRow
}

func (p *tablePrinter) page(page recordPage) error {
	for _, raw := range page.records {
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		p.rows = append(p.rows, newTableRow(r, p.now))
	}
	return nil
}

func (p *tablePrinter) end() error {
	if len(p.rows) == 0 {
		return nil
	}
	return writeTable(p.out, p.rows, tableWidth(p.out))
}

// tableWidth is that of the terminal, or 80.
func tableWidth(out io.Writer) int {
	if file, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
