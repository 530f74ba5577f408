package importer

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// draft is an entry whose line is being read.
type draft struct {
	entry                      deployments.ImportEntry
	created, updated, lastSeen moment
	version                    deployments.ProjectVersion // the one at hand
}

// moment is a time that may not be given. The zero time can't stand for that: it is a time like others.
type moment struct {
	time  time.Time
	given bool
}

// rule is what I1 says of a member.
type rule struct {
	name     string
	required bool
	kind     jsontext.Kind
	// take is for strings: it puts the value, which is not empty, into the draft, or says what is wrong with it.
	take func(w *walk, value string) (problem string)
	// read is for everything else: it reads the value at its place.
	read func(w *walk, at place)
}

func text(name string, take func(w *walk, value string) string) rule {
	return rule{name: name, kind: jsontext.KindString, take: take}
}

func required(r rule) rule {
	r.required = true
	return r
}

// find gives the number of the member's rule, or -1. Case counts.
func find(rules []rule, name []byte) int {
	for i := range rules {
		if rules[i].name == string(name) {
			return i
		}
	}
	return -1
}

// recordRules are those of v1DeploymentRecord, and project_versions.
var recordRules = []rule{
	required(text("id", func(w *walk, v string) string { return takeID(&w.draft.entry.Record.ID, v) })),
	text("environment_id", func(w *walk, v string) string { return takeID(&w.draft.entry.Record.EnvironmentID, v) }),
	required(text("environment_name", func(w *walk, v string) string { return takeName(&w.draft.entry.Record.EnvironmentName, v) })),
	text("logical_environment_id", func(w *walk, v string) string { return takeID(&w.draft.entry.Record.LogicalEnvironmentID, v) }),
	text("logical_environment_name", func(w *walk, v string) string {
		return takeName(&w.draft.entry.Record.LogicalEnvironmentName, v)
	}),
	required(text("deployment_name", func(w *walk, v string) string { return takeName(&w.draft.entry.Record.DeploymentName, v) })),
	text("artifact_id", func(w *walk, v string) string { return takeID(&w.draft.entry.Record.ArtifactID, v) }),
	required(rule{name: "artifact", kind: jsontext.KindBeginObject, read: func(w *walk, _ place) {
		w.object(place{object: "artifact"}, artifactRules)
	}}),
	required(text("status", func(w *walk, v string) string {
		status, ok := deployments.ParseStatus(v)
		if !ok {
			return deployments.Quote(v) + " is not DEPLOYED, DECOMMISSIONED or SUPERSEDED"
		}
		w.draft.entry.Record.Status = status
		return ""
	})),
	required(text("created_at", func(w *walk, v string) string { return takeTime(&w.draft.created, v) })),
	text("updated_at", func(w *walk, v string) string { return takeTime(&w.draft.updated, v) }),
	text("last_seen_at", func(w *walk, v string) string { return takeTime(&w.draft.lastSeen, v) }),
	{name: "project_versions", kind: jsontext.KindBeginArray, read: readProjectVersions},
}

// artifactRules are those of v1ComponentArtifact.
var artifactRules = []rule{
	required(text("kind", func(w *walk, v string) string {
		kind, ok := deployments.ParseKind(v)
		if !ok {
			return deployments.Quote(v) + " is not CONTAINER_IMAGE or HELM_CHART"
		}
		w.draft.entry.Record.Artifact.Kind = kind
		return ""
	})),
	text("name", func(w *walk, v string) string {
		return takeChecked(&w.draft.entry.Record.Artifact.Name, v, deployments.CheckText)
	}),
	text("version", func(w *walk, v string) string {
		return takeChecked(&w.draft.entry.Record.Artifact.Version, v, deployments.CheckText)
	}),
	required(text("digest", func(w *walk, v string) string {
		return takeChecked(&w.draft.entry.Record.Artifact.Digest, v, deployments.CheckDigest)
	})),
}

// projectVersionRules are those of an element of project_versions.
var projectVersionRules = []rule{
	required(text("project_name", func(w *walk, v string) string { return takeName(&w.draft.version.ProjectName, v) })),
	required(text("project_version_name", func(w *walk, v string) string { return takeName(&w.draft.version.VersionName, v) })),
}

func readProjectVersions(w *walk, at place) {
	if _, err := w.dec.ReadToken(); err != nil {
		w.malformed(at, err)
		return
	}
	for element := 1; ; element++ {
		kind := w.dec.PeekKind()
		if kind == jsontext.KindEndArray {
			break
		}
		of := place{object: at.name, element: element}
		if kind != jsontext.KindBeginObject {
			if w.skip(of) {
				w.fault(of, "is %s, not an object", kindName(kind))
			}
		} else {
			w.draft.version = deployments.ProjectVersion{}
			w.object(of, projectVersionRules)
			w.draft.entry.ProjectVersions = append(w.draft.entry.ProjectVersions, w.draft.version)
		}
		if w.stopped {
			return
		}
	}
	if _, err := w.dec.ReadToken(); err != nil {
		w.malformed(at, err)
	}
}

// compare completes the draft, and judges what only several members together tell.
func (w *walk) compare() {
	d := &w.draft
	r := &d.entry.Record
	if r.LogicalEnvironmentID != "" && r.LogicalEnvironmentName == "" && !w.faulty("logical_environment_name") {
		w.fault(place{name: "logical_environment_id"}, "is given without logical_environment_name")
	}
	if !d.created.given {
		return // which is a fault already
	}
	r.CreatedAt = d.created.time
	if ahead := w.now.Add(24 * time.Hour); r.CreatedAt.After(ahead) {
		w.fault(place{name: "created_at"}, "%s is more than a day ahead", formatTime(r.CreatedAt))
	}
	r.UpdatedAt = w.notBefore(d.created.time, d.updated, "updated_at")
	r.LastSeenAt = w.notBefore(d.created.time, d.lastSeen, "last_seen_at")
}

// notBefore gives the moment, which is the record's creation if it is not given.
func (w *walk) notBefore(created time.Time, m moment, name string) time.Time {
	if !m.given {
		return created
	}
	if m.time.Before(created) {
		w.fault(place{name: name}, "%s is before created_at, %s", formatTime(m.time), formatTime(created))
	}
	return m.time
}

func takeID(into *string, value string) string {
	id, ok := deployments.ParseUUID(value)
	if !ok {
		return deployments.Quote(value) + " is not a UUID"
	}
	*into = id
	return ""
}

func takeName(into *string, value string) string {
	return takeChecked(into, value, deployments.CheckName)
}

func takeChecked(into *string, value string, check func(string) error) string {
	if err := check(value); err != nil {
		return deployments.Quote(value) + " " + err.Error()
	}
	*into = value
	return ""
}

// takeTime reads an RFC 3339 time of any zone; what is finer than a microsecond is cut (R2).
func takeTime(into *moment, value string) string {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil || !strictTime(value) {
		return deployments.Quote(value) + " is not an RFC 3339 time"
	}
	t = t.UTC().Truncate(time.Microsecond)
	if year := t.Year(); year < 1 || year > 9999 {
		return deployments.Quote(value) + " is not in the years 1 to 9999 in UTC"
	}
	*into = moment{time: t, given: true}
	return ""
}

// strictTime refuses what time.Parse lets pass for RFC 3339 (https://go.dev/issue/54580): an hour of one digit, a
// comma before the fraction, and zones of 24 hours or 60 minutes and more. The value passed time.Parse.
func strictTime(value string) bool {
	if value[len("2006-01-02T15")] != ':' || strings.Contains(value, ",") {
		return false
	}
	zone := value[len(value)-len("07:00"):]
	return strings.HasSuffix(value, "Z") || zone[:2] < "24" && zone[3:] < "60"
}

// formatTime gives a time as the API does (R2). It is in UTC and has whole microseconds.
func formatTime(t time.Time) string { return t.Format(time.RFC3339Nano) }
