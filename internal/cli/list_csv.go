package cli

import (
	"io"

	"github.com/deployrecords/deployrecords/internal/recordcsv"
)

// csvPrinter writes RFC 4180. On a terminal, it replaces control characters.
type csvPrinter struct{ *recordcsv.Writer }

func newCSVPrinter(out io.Writer, safe, bom bool) *csvPrinter {
	w := recordcsv.NewWriter(out)
	w.Safe, w.BOM = safe, bom
	if isTerminal(out) {
		w.Visible = visible
	}
	return &csvPrinter{w}
}

func (p *csvPrinter) page(page recordPage) error {
	p.Start()
	for _, raw := range page.records {
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		p.Write([]string{
			r.Id, r.EnvironmentId, r.EnvironmentName, orEmpty(r.LogicalEnvironmentId), orEmpty(r.LogicalEnvironmentName), r.DeploymentName,
			r.ArtifactId, r.Artifact.Kind, r.Artifact.Name, r.Artifact.Version, r.Artifact.Digest,
			string(r.Status), recordcsv.FormatTime(r.CreatedAt), recordcsv.FormatTime(r.UpdatedAt), recordcsv.FormatTime(r.LastSeenAt),
		})
	}
	return p.Flush()
}

func (p *csvPrinter) end() error { return nil }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
