package ui

import (
	"net/http"
	"net/url"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/render"
)

// slotRecords is the number of records on a page of a slot: enough to find rollbacks to versions of long ago.
const slotRecords = 500

// slotPage is the content of a slot's history.
type slotPage struct {
	*filters.Request
	Environment, Deployment string
	Entries                 []slotEntry
	Pager                   filters.Pager
	CSV, NDJSON, JSON       string
}

// slotEntry is a record with what followed it.
type slotEntry struct {
	deployments.Record
	// Until is when the record ended; the zero time if it is filters.Deployed.
	Until time.Time
	// Rollback reports that the artifact had run in the identity before another one did.
	Rollback bool
}

// slot shows the history of a slot.
func (u *UI) slot(w http.ResponseWriter, r *http.Request, v render.Viewer) error {
	q, err := filters.Read(r, u.ParseQuery, url.Values{"full_history": {filters.AllRecords}})
	if err != nil || u.needs(w, r, v, q, "environment_name", "deployment_name") {
		return err
	}
	content := slotPage{Request: q, Environment: q.Values.Get("environment_name"), Deployment: q.Values.Get("deployment_name")}
	content.CSV, content.NDJSON, content.JSON = q.Exports()
	status := http.StatusBadRequest
	if !q.Invalid {
		status = http.StatusOK
		q.Page.Size = slotRecords
		result, err := u.Store.List(r.Context(), v.Scope, q.Query)
		if err != nil {
			return err
		}
		content.Entries = history(result.Records)
		content.Pager = q.Pages(u.Paging, len(result.Records), result.Total, "record")
	}
	u.render(w, r, status, "slot", render.Page{Title: content.Deployment + " in " + content.Environment, Viewer: &v, Refreshes: !q.Invalid, Content: content})
	return nil
}

// history finds the ends and the rollbacks of records, newest first. A rollback is within the records.
func history(records []deployments.Record) []slotEntry {
	entries := make([]slotEntry, len(records))
	next := map[deployments.Identity]deployments.Record{}
	for i, r := range records {
		entries[i].Record = r
		newer, hasNewer := next[r.Identity()]
		switch {
		case r.Status == deployments.Superseded && hasNewer:
			entries[i].Until = newer.CreatedAt
		case r.Status != deployments.Deployed:
			entries[i].Until = r.UpdatedAt
		}
		next[r.Identity()] = r
	}
	ran := map[deployments.Identity]map[string]bool{}
	last := map[deployments.Identity]string{}
	for i := len(entries) - 1; i >= 0; i-- {
		identity, digest := entries[i].Identity(), entries[i].Artifact.Digest
		if ran[identity] == nil {
			ran[identity] = map[string]bool{}
		}
		entries[i].Rollback = ran[identity][digest] && last[identity] != digest
		ran[identity][digest], last[identity] = true, digest
	}
	return entries
}

// ArtifactLink returns the path of a digest.
func (slotPage) ArtifactLink(digest string) string { return artifactLink(digest) }

// EnvironmentLink returns the path of the environment.
func (p slotPage) EnvironmentLink() string {
	return filters.Link("/environment", filters.Query("environment_name", p.Environment))
}

// DeploymentLink returns the path of the deployment in all environments.
func (p slotPage) DeploymentLink() string {
	return filters.Link("/", filters.Query("by", byEnvironment, "deployment_name", p.Deployment))
}
