package importer

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// draft is an entry under construction.
type draft struct {
	entry                      deployments.ImportEntry
	created, updated, lastSeen *time.Time                 // nil if absent
	projectVersion             deployments.ProjectVersion // the current element of project_versions
}

// member is what I1 requires of a member of an object.
type member struct {
	name     string
	required bool
	kind     jsontext.Kind
	// set stores a string that is not empty in the draft, or returns what is wrong with it. Strings only.
	set func(d *draft, value string) (message string)
	// parse parses a value that is not a string.
	parse func(p *parser, at jsonPath)
}

func text(name string, set func(d *draft, value string) string) member {
	return member{name: name, kind: jsontext.KindString, set: set}
}

func required(m member) member {
	m.required = true
	return m
}

// find returns the index of the member with the name, in the same case, or -1.
func find(members []member, name []byte) int {
	for i := range members {
		if members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// recordMembers are the members of v1DeploymentRecord, and project_versions.
var recordMembers = []member{
	required(text("id", func(d *draft, v string) string { return setID(&d.entry.Record.ID, v) })),
	text("environment_id", func(d *draft, v string) string { return setID(&d.entry.Record.EnvironmentID, v) }),
	required(text("environment_name", func(d *draft, v string) string { return setName(&d.entry.Record.EnvironmentName, v) })),
	text("logical_environment_id", func(d *draft, v string) string { return setID(&d.entry.Record.LogicalEnvironmentID, v) }),
	text("logical_environment_name", func(d *draft, v string) string { return setName(&d.entry.Record.LogicalEnvironmentName, v) }),
	required(text("deployment_name", func(d *draft, v string) string { return setName(&d.entry.Record.DeploymentName, v) })),
	text("artifact_id", func(d *draft, v string) string { return setID(&d.entry.Record.ArtifactID, v) }),
	required(member{name: "artifact", kind: jsontext.KindBeginObject, parse: func(p *parser, _ jsonPath) {
		p.object(jsonPath{object: "artifact"}, artifactMembers)
	}}),
	required(text("status", func(d *draft, v string) string {
		status, ok := deployments.ParseStatus(v)
		if !ok {
			return deployments.Quote(v) + " is not DEPLOYED, DECOMMISSIONED or SUPERSEDED"
		}
		d.entry.Record.Status = status
		return ""
	})),
	required(text("created_at", func(d *draft, v string) string { return setTime(&d.created, v) })),
	text("updated_at", func(d *draft, v string) string { return setTime(&d.updated, v) }),
	text("last_seen_at", func(d *draft, v string) string { return setTime(&d.lastSeen, v) }),
	{name: "project_versions", kind: jsontext.KindBeginArray, parse: parseProjectVersions},
}

// artifactMembers are the members of v1ComponentArtifact.
var artifactMembers = []member{
	required(text("kind", func(d *draft, v string) string {
		kind, ok := deployments.ParseKind(v)
		if !ok {
			return deployments.Quote(v) + " is not CONTAINER_IMAGE or HELM_CHART"
		}
		d.entry.Record.Artifact.Kind = kind
		return ""
	})),
	text("name", func(d *draft, v string) string {
		return setChecked(&d.entry.Record.Artifact.Name, v, deployments.CheckText)
	}),
	text("version", func(d *draft, v string) string {
		return setChecked(&d.entry.Record.Artifact.Version, v, deployments.CheckText)
	}),
	required(text("digest", func(d *draft, v string) string {
		return setChecked(&d.entry.Record.Artifact.Digest, v, deployments.CheckDigest)
	})),
}

// projectVersionMembers are the members of an element of project_versions.
var projectVersionMembers = []member{
	required(text("project_name", func(d *draft, v string) string { return setName(&d.projectVersion.ProjectName, v) })),
	required(text("project_version_name", func(d *draft, v string) string { return setName(&d.projectVersion.VersionName, v) })),
}

func parseProjectVersions(p *parser, at jsonPath) {
	if _, err := p.decoder.ReadToken(); err != nil {
		p.malformed(at, err)
		return
	}
	for element := 1; ; element++ {
		kind := p.decoder.PeekKind()
		if kind == jsontext.KindEndArray {
			break
		}
		path := jsonPath{object: at.member, element: element}
		if kind != jsontext.KindBeginObject {
			if p.skip(path) {
				p.report(path, "is %s, not an object", kindName(kind))
			}
		} else {
			p.draft.projectVersion = deployments.ProjectVersion{}
			p.object(path, projectVersionMembers)
			p.draft.entry.ProjectVersions = append(p.draft.entry.ProjectVersions, p.draft.projectVersion)
		}
		if p.stopped {
			return
		}
	}
	if _, err := p.decoder.ReadToken(); err != nil {
		p.malformed(at, err)
	}
}

func setID(target *string, value string) string {
	id, ok := deployments.ParseUUID(value)
	if !ok {
		return deployments.Quote(value) + " is not a UUID"
	}
	*target = id
	return ""
}

func setName(target *string, value string) string {
	return setChecked(target, value, deployments.CheckName)
}

func setChecked(target *string, value string, check func(string) error) string {
	if err := check(value); err != nil {
		return deployments.Quote(value) + " " + err.Error()
	}
	*target = value
	return ""
}

func setTime(target **time.Time, value string) string {
	t, err := deployments.ParseTime(value)
	if err != nil {
		return deployments.Quote(value) + " " + err.Error()
	}
	*target = &t
	return ""
}

// formatTime formats a time as the API does (R2). The time is in UTC and in whole microseconds.
func formatTime(t time.Time) string { return t.Format(time.RFC3339Nano) }
