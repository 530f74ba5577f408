package render

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/ui/matrix"
)

// Cell is a cell of the matrix with its links.
type Cell struct {
	matrix.Cell
	// Shown are the versions that the cell shows, and More is the number of others.
	Shown []matrix.Version
	More  int64
	// Link is the path of what ran in the cell before, MoreLink that of the records of the cell.
	Link, MoreLink string
}

// cells writes the cells of a row. A page has up to 5,000 cells, for which a template takes ten times as long, so they are written by
// hand. Every value is escaped, as the text of an element or of a quoted attribute.
func cells(row []Cell, now time.Time) template.HTML {
	var b strings.Builder
	b.Grow(128 * len(row))
	for i := range row {
		writeCell(&b, &row[i], now)
	}
	return template.HTML(b.String()) //nolint:gosec // writeCell escapes every value
}

func writeCell(b *strings.Builder, c *Cell, now time.Time) {
	write := func(parts ...string) {
		for _, part := range parts {
			b.WriteString(part)
		}
	}
	text := template.HTMLEscapeString
	if len(c.Versions) == 0 {
		write(`<td class="empty"><span aria-label="nothing">·</span></td>`)
		return
	}
	write(`<td`)
	switch {
	case c.Mixed && c.Differs:
		write(` class="mixed differs"`)
	case c.Mixed:
		write(` class="mixed"`)
	case c.Differs:
		write(` class="differs"`)
	}
	write(`><a href="`, text(c.Link), `">`)
	for i := range c.Shown {
		writeVersion(write, &c.Shown[i])
	}
	write(`<span class="meta"><span title="`, minute(c.Newest), `">`, ago(now.Sub(c.Newest)), `</span>`)
	if c.Mixed {
		write(` <span class="mark m" title="Several artifacts of one kind">mixed</span>`)
	}
	if c.Differs {
		previous := text(c.Previous)
		write(` <span class="mark d" title="Other digests than `, previous, `">≠ <bdi>`, previous, `</bdi></span>`)
	}
	write(`</span></a>`)
	if c.More > 0 {
		write(`<a class="more" href="`, text(c.MoreLink), `">+`, Number(c.More), ` more</a>`)
	}
	write(`</td>`)
}

func writeVersion(write func(...string), v *matrix.Version) {
	text := template.HTMLEscapeString
	write(`<span class="v`)
	if v.Ended != "" {
		write(` `, v.Ended)
	}
	write(`">`)
	if v.IsChart {
		write(`<span class="kind chart">chart</span> `)
	}
	write(`<bdi title="`, text(v.Artifact.Name), ` `, text(v.Artifact.Version), ` `, text(v.Artifact.Digest), `">`, text(v.Label), `</bdi>`)
	if v.Records > 1 {
		write(` <span class="n">×`, strconv.FormatInt(v.Records, 10), `</span>`)
	}
	if v.Ended != "" {
		write(` <span class="state">`, v.Ended, `</span>`)
	}
	write(`</span> `)
}
