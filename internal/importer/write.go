package importer

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// AppendLine appends the entry to b as a line that Entries reads, with its line break: the record as the API gives
// it (R1, R2), and project_versions if there are any. Ids that are to be found or made are left out. It fails if a
// text is not valid UTF-8; what it gives is then of no use.
func AppendLine(b []byte, e deployments.ImportEntry) ([]byte, error) {
	r := e.Record
	l := line{bytes: append(b, '{')}
	l.text("id", r.ID)
	l.optional("environment_id", r.EnvironmentID)
	l.text("environment_name", r.EnvironmentName)
	l.optional("logical_environment_id", r.LogicalEnvironmentID)
	l.optional("logical_environment_name", r.LogicalEnvironmentName)
	l.text("deployment_name", r.DeploymentName)
	l.optional("artifact_id", r.ArtifactID)
	l.open("artifact", '{')
	l.text("kind", r.Artifact.Kind.String())
	l.text("name", r.Artifact.Name)
	l.text("version", r.Artifact.Version)
	l.text("digest", r.Artifact.Digest)
	l.close('}')
	l.text("status", r.Status.String())
	l.time("created_at", r.CreatedAt)
	l.time("updated_at", r.UpdatedAt)
	l.time("last_seen_at", r.LastSeenAt)
	if len(e.ProjectVersions) > 0 {
		l.open("project_versions", '[')
		for _, pv := range e.ProjectVersions {
			l.next()
			l.bytes = append(l.bytes, '{')
			l.text("project_name", pv.ProjectName)
			l.text("project_version_name", pv.VersionName)
			l.close('}')
		}
		l.close(']')
	}
	return append(l.bytes, '}', '\n'), l.err
}

// line is a line that is being written. It has at least its first brace.
type line struct {
	bytes []byte
	err   error // the first
}

// next puts a comma unless what follows is the first of its object or array.
func (l *line) next() {
	if last := l.bytes[len(l.bytes)-1]; last != '{' && last != '[' {
		l.bytes = append(l.bytes, ',')
	}
}

func (l *line) name(name string) {
	l.next()
	l.bytes = append(l.bytes, '"')
	l.bytes = append(l.bytes, name...)
	l.bytes = append(l.bytes, '"', ':')
}

func (l *line) open(name string, bracket byte) {
	l.name(name)
	l.bytes = append(l.bytes, bracket)
}

func (l *line) close(bracket byte) {
	l.bytes = append(l.bytes, bracket)
}

func (l *line) text(name, value string) {
	l.name(name)
	bytes, err := jsontext.AppendQuote(l.bytes, value)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("%s: %w", name, err)
	}
	l.bytes = bytes
}

func (l *line) optional(name, value string) {
	if value != "" {
		l.text(name, value)
	}
}

func (l *line) time(name string, t time.Time) {
	l.name(name)
	l.bytes = append(l.bytes, '"')
	l.bytes = t.AppendFormat(l.bytes, time.RFC3339Nano)
	l.bytes = append(l.bytes, '"')
}
