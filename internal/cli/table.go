package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/deployrecords/deployrecords/generated/client"
)

// The columns of the table, in their order.
const (
	environmentColumn = iota
	deploymentColumn
	artifactColumn
	statusColumn
	ageColumn
	tableColumns
)

var tableHeader = tableRow{cells: [tableColumns]string{"ENVIRONMENT", "DEPLOYMENT", "ARTIFACT", "STATUS", "AGE"}}

// columnGap stands between columns.
const columnGap = "  "

// tableRow has the cells of a record in full.
type tableRow struct {
	cells [tableColumns]string
	// mark stands behind the artifact and is not cut.
	mark string
}

func newTableRow(r client.DeploymentRecord, now time.Time) tableRow {
	row := tableRow{cells: [tableColumns]string{
		r.EnvironmentName, r.DeploymentName, artifactCell(r.Artifact), string(r.Status), age(now.Sub(r.CreatedAt)),
	}}
	for i := range row.cells {
		row.cells[i] = visible(row.cells[i])
	}
	if r.Artifact.Kind == "HELM_CHART" {
		row.mark = " (chart)"
	}
	return row
}

// artifactCell is the last part of the name, and the version, or what the digest begins with if there is none.
func artifactCell(a client.Artifact) string {
	name := a.Name[strings.LastIndexByte(a.Name, '/')+1:]
	if a.Version == "" {
		return name + "@" + shortDigest(a.Digest)
	}
	return name + ":" + a.Version
}

// shortDigest gives the first twelve digits, as docker does.
func shortDigest(digest string) string {
	_, sum, found := strings.Cut(digest, ":")
	if !found {
		sum = digest
	}
	return sum[:min(len(sum), 12)]
}

// age rounds down to the greatest unit. A clock that is behind the server's gives 0s.
func age(d time.Duration) string {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	switch {
	case d >= year:
		return fmt.Sprintf("%dy", d/year)
	case d >= day:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return fmt.Sprintf("%ds", max(0, d)/time.Second)
	}
}

// writeTable fits the rows into the width, in characters. A terminal that is too narrow for the headers wraps lines.
func writeTable(out io.Writer, rows []tableRow, width int) error {
	var widths [tableColumns]int
	for _, row := range append([]tableRow{tableHeader}, rows...) {
		for i, cell := range row.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell)+len(row.markIn(i)))
		}
	}
	// Status and age are short, and useless when cut.
	left := width - widths[statusColumn] - widths[ageColumn] - len(columnGap)*(tableColumns-1)
	share(widths[:statusColumn], left)

	w := bufio.NewWriter(out)
	for _, row := range append([]tableRow{tableHeader}, rows...) {
		for i, cell := range row.cells {
			text := cut(cell, widths[i]-len(row.markIn(i))) + row.markIn(i)
			if i < tableColumns-1 {
				text += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + columnGap
			}
			_, _ = w.WriteString(text)
		}
		_ = w.WriteByte('\n')
	}
	return w.Flush() // gives the first error of all
}

func (r tableRow) markIn(column int) string {
	if column == artifactColumn {
		return r.mark
	}
	return ""
}

// share takes from the widest column first, until all fit; a column keeps the width of its header, or of a mark and a
// few characters.
func share(widths []int, left int) {
	least := make([]int, len(widths))
	total := 0
	for i, width := range widths {
		least[i] = min(width, max(utf8.RuneCountInString(tableHeader.cells[i]), 11))
		total += width
	}
	for ; total > left; total-- {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// cut takes out the middle: names differ at their ends, and the version of an artifact is at its end.
func cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	end := (width - 1) / 2
	return string(slices.Concat(runes[:width-1-end], []rune("…"), runes[len(runes)-end:]))
}
