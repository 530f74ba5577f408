package importer

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// line is the JSON of an entry: the record as the API returns it (R1, R2), and its project versions.
type line struct {
	ID                     string           `json:"id"`
	EnvironmentID          string           `json:"environment_id,omitzero"`
	EnvironmentName        string           `json:"environment_name"`
	LogicalEnvironmentID   string           `json:"logical_environment_id,omitzero"`
	LogicalEnvironmentName string           `json:"logical_environment_name,omitzero"`
	DeploymentName         string           `json:"deployment_name"`
	ArtifactID             string           `json:"artifact_id,omitzero"`
	Artifact               artifact         `json:"artifact"`
	Status                 string           `json:"status"`
	CreatedAt              time.Time        `json:"created_at"`
	UpdatedAt              time.Time        `json:"updated_at"`
	LastSeenAt             time.Time        `json:"last_seen_at"`
	ProjectVersions        []projectVersion `json:"project_versions,omitempty"`
}

type artifact struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

type projectVersion struct {
	ProjectName string `json:"project_name"`
	VersionName string `json:"project_version_name"`
}

// AppendLine appends the entry to b as a line that Entries reads, with its line break. It omits empty ids, which an
// import finds or creates. It returns an error and invalid bytes
// if a text is not valid UTF-8.
func AppendLine(b []byte, e deployments.ImportEntry) ([]byte, error) {
	r := e.Record
	l := line{
		ID:                     r.ID,
		EnvironmentID:          r.EnvironmentID,
		EnvironmentName:        r.EnvironmentName,
		LogicalEnvironmentID:   r.LogicalEnvironmentID,
		LogicalEnvironmentName: r.LogicalEnvironmentName,
		DeploymentName:         r.DeploymentName,
		ArtifactID:             r.ArtifactID,
		Artifact:               artifact{r.Artifact.Kind.String(), r.Artifact.Name, r.Artifact.Version, r.Artifact.Digest},
		Status:                 r.Status.String(),
		CreatedAt:              r.CreatedAt,
		UpdatedAt:              r.UpdatedAt,
		LastSeenAt:             r.LastSeenAt,
	}
	for _, pv := range e.ProjectVersions {
		l.ProjectVersions = append(l.ProjectVersions, projectVersion(pv))
	}
	text, err := json.Marshal(&l)
	return append(append(b, text...), '\n'), err
}
