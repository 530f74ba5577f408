package ui

import (
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/export"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// maxExported is the number of records in an export, which is read by one statement, so that it is from one snapshot of the data.
const maxExported = 50_000

// newExportGate returns the gate of exports, each of which has up to maxExported records in memory until its client has read them. An
// organization has one at a time, so that its slow clients do not keep others from theirs.
func newExportGate() *admission.Gate {
	return admission.NewGate(admission.Options{Places: 2, PlacesEach: 1, MaxWait: time.Second})
}

// export sends all records of a view as a file: CSV whose cells are safe in a spreadsheet, NDJSON that an import takes, or JSON.
func (u *UI) export(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, nil)
	if err != nil {
		return err
	}
	if q.Invalid {
		return u.showRecords(w, r, v, recordsPage{Request: q, Heading: "Records", HasForm: true}, "/records")
	}
	release, err := u.exports.Acquire(r.Context(), v.Scope.Organization)
	if err != nil {
		return err
	}
	defer release() // after the file is written: until then its records are in memory
	q.Page = deployments.Page{Size: maxExported}
	result, err := u.Store.List(r.Context(), v.Scope, q.Query)
	if err != nil {
		return err
	}
	if result.Total > maxExported {
		u.render(w, r, http.StatusBadRequest, "error", render.Page{Title: "Too many records", Viewer: &v, Content: render.Failure{
			Heading: "There are too many records for a file",
			Message: fmt.Sprintf("The view has %s records, more than %s.", render.Number(result.Total), render.Number(maxExported)),
			Advice:  "Narrow the filters, or use deployrecords list --all --output ndjson or csv, which has the same filters and no limit.",
		}})
		return nil
	}
	format := export.Formats[path.Base(r.URL.Path)]
	w.Header().Set("Content-Type", format.ContentType)
	w.Header().Set("Content-Disposition", `attachment; filename="deployrecords.`+format.Extension+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := format.Write(w, result.Records, r.URL.Query().Get("bom") == "true"); err != nil {
		u.Logger.Info("an export was cut off", "error", err) // the response has begun
	}
	return nil
}
