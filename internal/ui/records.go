package ui

import (
	"net/http"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// recordsPage is the content of a list of records.
type recordsPage struct {
	*filters.Request
	Heading, Note string
	Records       []deployments.Record
	Pager         filters.Pager
	// Tabs are other views of the same thing.
	Tabs []tab
	// HasForm reports that the page shows the filters.
	HasForm           bool
	CSV, NDJSON, JSON string
	// Digest is that of an artifact's page.
	Digest string
}

type tab struct {
	Label, Path string
	Current     bool
}

// records shows the records that the query selects, as a table with the columns of the contract.
func (u *UI) records(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, nil)
	if err != nil {
		return err
	}
	return u.showRecords(w, r, v, recordsPage{Request: q, Heading: "Records", HasForm: true}, "/records")
}

// environment shows what runs in an environment, or everything that ever did.
func (u *UI) environment(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, running)
	if err != nil || u.needs(w, r, v, q, "environment_name") {
		return err
	}
	name := q.Values.Get("environment_name")
	content := recordsPage{Request: q, Heading: name, Note: "environment", Tabs: tabs(q, "Runs now", "All records")}
	return u.showRecords(w, r, v, content, "")
}

// artifact shows where the artifacts with a digest run now, or where they ever ran.
func (u *UI) artifact(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, running)
	if err != nil || u.needs(w, r, v, q, "artifact_digest") {
		return err
	}
	content := recordsPage{Request: q, Heading: "Artifact", Digest: q.Values.Get("artifact_digest"), Tabs: tabs(q, "Runs now", "Ever ran")}
	return u.showRecords(w, r, v, content, "")
}

// tabs are the two views of a page: what runs now, and all records.
func tabs(q *filters.Request, now, ever string) []tab {
	isRunning := q.Values.Get("status") == filters.Deployed
	return []tab{
		{now, q.With(q.Path, "full_history", "", "status", ""), isRunning},
		{ever, q.With(q.Path, "full_history", filters.AllRecords, "status", ""), !isRunning},
	}
}

// needs shows an error, and returns true, if the query lacks a parameter that the page is about.
func (u *UI) needs(w http.ResponseWriter, r *http.Request, v render.Viewer, q *filters.Request, names ...string) bool {
	for _, name := range names {
		if q.Values.Get(name) == "" {
			u.render(w, r, http.StatusBadRequest, "error", render.Page{Title: "Incomplete address", Viewer: &v, Content: render.Failure{
				Heading: "This address is incomplete", Message: "The parameter " + name + " is missing.", Advice: "Open the page from the matrix or from a search.",
			}})
			return true
		}
	}
	return false
}

func (u *UI) showRecords(w http.ResponseWriter, r *http.Request, v render.Viewer, content recordsPage, active string) error {
	status := http.StatusBadRequest
	if !content.Invalid {
		status = http.StatusOK
		result, err := u.Store.List(r.Context(), v.Scope, content.Query)
		if err != nil {
			return err
		}
		content.Records = result.Records
		content.Pager = content.Request.Pages(u.Paging, len(result.Records), result.Total, "record")
	}
	content.CSV, content.NDJSON, content.JSON = content.Exports()
	u.render(w, r, status, "records", render.Page{Title: content.Heading, Viewer: &v, Active: active, Refreshes: !content.Invalid, Content: content})
	return nil
}

// SlotLink returns the path of a record's slot.
func (recordsPage) SlotLink(r deployments.Record) string {
	return slotLink(r.EnvironmentName, r.DeploymentName)
}

// EnvironmentLink returns the path of an environment.
func (recordsPage) EnvironmentLink(name string) string {
	return filters.Link("/environment", filters.Query("environment_name", name))
}

// ArtifactLink returns the path of a digest.
func (recordsPage) ArtifactLink(digest string) string { return artifactLink(digest) }

func slotLink(environment, deployment string) string {
	return filters.Link("/slot", filters.Query("environment_name", environment, "deployment_name", deployment))
}

func artifactLink(digest string) string {
	return filters.Link("/artifact", filters.Query("artifact_digest", digest))
}
