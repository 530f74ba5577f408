package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/term"

	"github.com/deployrecords/deployrecords/generated/client"
)

// printer writes pages of records in one format. It writes each page before it takes the next one, except that a table
// needs all its rows for the widths of its columns.
type printer interface {
	page(page recordPage) error
	end() error
}

// printer returns nil for an unknown format.
func (c *listCommand) printer(streams Streams) printer {
	switch {
	case c.Output == "table":
		return &tablePrinter{out: streams.Out, now: time.Now()}
	case c.Output == "json" && c.All:
		return &jsonPrinter{out: bufio.NewWriter(streams.Out), text: jsonText(streams.Out)}
	case c.Output == "json":
		return &bodyPrinter{out: streams.Out}
	case c.Output == "ndjson":
		return &ndjsonPrinter{out: bufio.NewWriter(streams.Out), text: jsonText(streams.Out)}
	case c.Output == "csv":
		return newCSVPrinter(streams.Out, c.CSVSafe, c.CSVBOM)
	}
	return nil
}

// bodyPrinter writes the response as the server sent it.
type bodyPrinter struct{ out io.Writer }

func (p *bodyPrinter) page(page recordPage) error { return writeBody(p.out, page.body) }
func (p *bodyPrinter) end() error                 { return nil }

// jsonText returns what a writer gets for a JSON text: on a terminal, the text with its control characters escaped.
func jsonText(out io.Writer) func([]byte) []byte {
	if isTerminal(out) {
		return escapeInvisible
	}
	return func(text []byte) []byte { return text }
}

// writeBody writes the body with a line break at its end. On a terminal, control characters are escaped.
func writeBody(out io.Writer, body []byte) error {
	body = jsonText(out)(body)
	if !bytes.HasSuffix(body, []byte("\n")) {
		body = append(body, '\n')
	}
	_, err := out.Write(body)
	return err
}

// jsonPrinter merges all pages into one response, with the pagination of the last page.
type jsonPrinter struct {
	out        *bufio.Writer
	text       func([]byte) []byte
	records    int
	pagination client.OffsetPagination
}

const jsonListStart = `{"deployment_records":[`

func (p *jsonPrinter) page(page recordPage) error {
	for _, record := range page.records {
		separator := ","
		if p.records == 0 {
			separator = jsonListStart
		}
		_, _ = p.out.WriteString(separator)
		_, _ = p.out.Write(p.text(record))
		p.records++
	}
	p.pagination = page.pagination
	return p.out.Flush() // returns the first error of all writes
}

func (p *jsonPrinter) end() error {
	if p.records == 0 {
		_, _ = p.out.WriteString(jsonListStart)
	}
	pagination, err := json.Marshal(p.pagination)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "],\"pagination\":%s}\n", pagination)
	return p.out.Flush()
}

// ndjsonPrinter writes each record as the server sent it, on one line, as import reads it.
type ndjsonPrinter struct {
	out  *bufio.Writer
	text func([]byte) []byte
}

func (p *ndjsonPrinter) page(page recordPage) error {
	for _, record := range page.records {
		line := jsontext.Value(record)
		_ = line.Compact() // the response was parsed, so it is valid JSON
		_, _ = p.out.Write(p.text(line))
		_ = p.out.WriteByte('\n')
	}
	return p.out.Flush()
}

func (p *ndjsonPrinter) end() error { return nil }

func decodeRecord(raw json.RawMessage) (r client.DeploymentRecord, err error) {
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("a record in the response does not follow the OpenAPI document: %w", err)
	}
	return r, nil
}

// tablePrinter keeps all rows until the end.
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

// tableWidth returns the width of the terminal, or 80.
func tableWidth(out io.Writer) int {
	if file, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
