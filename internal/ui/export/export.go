// Package export writes records as files.
package export

import (
	"bufio"
	"io"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/recordcsv"
)

// Format is a kind of file.
type Format struct {
	// Extension is that of the file's name.
	Extension, ContentType string
	write                  func(out io.Writer, records []deployments.Record, bom bool) error
}

// Formats are all formats by their names. A file of NDJSON imports as the same records.
var Formats = map[string]Format{
	"csv":    {"csv", "text/csv; charset=utf-8", writeCSV},
	"ndjson": {"ndjson", "application/x-ndjson", writeNDJSON},
	"json":   {"json", "application/json", writeJSON},
}

// Write writes the records. bom marks CSV as UTF-8.
func (f Format) Write(w io.Writer, records []deployments.Record, bom bool) error {
	out := bufio.NewWriter(w)
	if err := f.write(out, records, bom); err != nil {
		return err
	}
	return out.Flush()
}

// writeCSV writes CSV whose cells are safe in a spreadsheet.
func writeCSV(out io.Writer, records []deployments.Record, bom bool) error {
	w := recordcsv.NewWriter(out)
	w.Safe, w.BOM = true, bom
	w.Start()
	for _, r := range records {
		w.Write([]string{
			r.ID, r.EnvironmentID, r.EnvironmentName, r.LogicalEnvironmentID, r.LogicalEnvironmentName, r.DeploymentName,
			r.ArtifactID, r.Artifact.Kind.String(), r.Artifact.Name, r.Artifact.Version, r.Artifact.Digest,
			r.Status.String(), recordcsv.FormatTime(r.CreatedAt), recordcsv.FormatTime(r.UpdatedAt), recordcsv.FormatTime(r.LastSeenAt),
		})
	}
	return w.Flush()
}

func writeNDJSON(out io.Writer, records []deployments.Record, _ bool) error {
	var line []byte
	for _, r := range records {
		var err error
		if line, err = importer.AppendLine(line[:0], deployments.ImportEntry{Record: r}); err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes an object with the records as the API returns them.
func writeJSON(out io.Writer, records []deployments.Record, _ bool) error {
	_, _ = io.WriteString(out, `{"deployment_records":[`)
	for i, r := range records {
		line, err := importer.AppendLine(nil, deployments.ImportEntry{Record: r})
		if err != nil {
			return err
		}
		if i > 0 {
			_, _ = io.WriteString(out, ",")
		}
		if _, err := out.Write(line[:len(line)-1]); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, "]}\n")
	return err
}
