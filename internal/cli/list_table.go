package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/deployrecords/deployrecords/generated/client"
)

// tableRow has one text per column of tableHeader.
type tableRow []string

// columnGap separates columns.
const columnGap = "  "

// chartMark follows the artifact of a Helm chart. It is never shortened.
const chartMark = " (chart)"

// minNameWidth is the width of the longest of the headers ENVIRONMENT, DEPLOYMENT and ARTIFACT.
const minNameWidth = 11

var tableHeader = tableRow{"ENVIRONMENT", "LOGICAL ENVIRONMENT", "DEPLOYMENT", "ARTIFACT", "STATUS", "AGE"}

const (
	environmentColumn = 0
	logicalColumn     = 1
	// otherColumns is the number of columns, from the right, that are not shortened in a narrow table.
	otherColumns = 2
)

func newTableRow(r client.DeploymentRecord, now time.Time) tableRow {
	artifact := artifactCell(r.Artifact)
	if r.Artifact.Kind == "HELM_CHART" {
		artifact += chartMark
	}
	logical := "-"
	if r.LogicalEnvironmentName != nil {
		logical = visible(*r.LogicalEnvironmentName)
	}
	return tableRow{
		visible(r.EnvironmentName), logical, visible(r.DeploymentName), visible(artifact), visible(string(r.Status)), age(now.Sub(r.CreatedAt)),
	}
}

// withoutLogical returns the rows without the logical environment, unless two rows of one environment differ in it: they may
// then be of one slot, and neither supersedes the other.
func withoutLogical(rows []tableRow) []tableRow {
	logical := make(map[string]string)
	for _, row := range rows {
		if first, ok := logical[row[environmentColumn]]; ok && first != row[logicalColumn] {
			return rows
		}
		logical[row[environmentColumn]] = row[logicalColumn]
	}
	narrow := make([]tableRow, len(rows))
	for i, row := range rows {
		narrow[i] = slices.Delete(slices.Clone(row), logicalColumn, logicalColumn+1)
	}
	return narrow
}

// artifactCell returns the last part of the name with the version, or with the digest if there is no version.
func artifactCell(a client.Artifact) string {
	name := a.Name[strings.LastIndexByte(a.Name, '/')+1:]
	if a.Version == "" {
		return name + "@" + shortDigest(a.Digest)
	}
	return name + ":" + a.Version
}

// shortDigest returns the first twelve hex digits, as docker does.
func shortDigest(digest string) string {
	_, sum, found := strings.Cut(digest, ":")
	if !found {
		sum = digest
	}
	return sum[:min(len(sum), 12)]
}

// age returns the duration in its largest unit, rounded down. A negative duration, from a clock behind the server's, is
// 0s.
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

// writeTable writes the rows in at most width terminal cells. A terminal narrower than the headers wraps the lines.
func writeTable(out io.Writer, rows []tableRow, width int) error {
	rows = withoutLogical(append([]tableRow{tableHeader}, rows...))
	w := bufio.NewWriter(out)
	widths := fitColumns(rows, width)
	for _, row := range rows {
		last := len(row) - 1
		for i, cell := range row[:last] {
			cell = shorten(cell, widths[i])
			fmt.Fprint(w, cell, strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)), columnGap)
		}
		fmt.Fprintln(w, row[last])
	}
	return w.Flush() // returns the first error of all writes
}

// fitColumns returns the widths of the columns of rows, the first of which is the header. It limits the name columns to the
// greatest equal width with which the table fits, and none to less than its header.
func fitColumns(rows []tableRow, width int) []int {
	natural := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			natural[i] = max(natural[i], uniseg.StringWidth(cell))
		}
	}
	for limit := max(width, minNameWidth); ; limit-- {
		widths, total := slices.Clone(natural), len(columnGap)*(len(natural)-1)
		for i := range widths {
			if i < len(widths)-otherColumns {
				widths[i] = min(widths[i], max(limit, len(rows[0][i])))
			}
			total += widths[i]
		}
		if total <= width || limit == minNameWidth {
			return widths
		}
	}
}

// shorten replaces the middle of a cell that is too wide: names differ at their ends, and a version is at the end.
func shorten(cell string, width int) string {
	if uniseg.StringWidth(cell) <= width {
		return cell
	}
	name, isChart := strings.CutSuffix(cell, chartMark)
	if isChart {
		return shorten(name, width-len(chartMark)) + chartMark
	}
	if width < 1 {
		return ""
	}
	characters := graphemes(cell)
	cells := func(part []string) int { return uniseg.StringWidth(strings.Join(part, "")) }
	head, tail := characters, characters
	end := (width - 1) / 2
	for cells(head) > width-1-end {
		head = head[:len(head)-1]
	}
	for cells(tail) > end {
		tail = tail[1:]
	}
	return strings.Join(head, "") + "…" + strings.Join(tail, "")
}

// graphemes splits a text into the characters that a reader sees: a letter stays together with its combining marks.
func graphemes(text string) []string {
	var all []string
	for rest, state := text, -1; rest != ""; {
		var next string
		next, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		all = append(all, next)
	}
	return all
}
