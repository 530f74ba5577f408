package store

import (
	"database/sql"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// recordColumns are a record's, with the names that its ids stand for; recordJoins gives them, beside a
// deployment_records r.
const (
	recordColumns = `r.id, r.environment_id, e.name, r.logical_environment_id, l.name, r.deployment_name,
  r.artifact_id, a.kind, a.name, a.version, a.digest, r.status, r.created_at, r.updated_at, r.last_seen_at`
	recordJoins = `
  JOIN environments e ON e.id = r.environment_id
  JOIN artifacts a ON a.id = r.artifact_id
  LEFT JOIN logical_environments l ON l.id = r.logical_environment_id`
)

// scanRecord reads a row of what stands before recordColumns, and of those. It is false if the row has no record: an
// outer join's.
func scanRecord(rows *sql.Rows, before ...any) (record deployments.Record, found bool, err error) {
	var (
		id, environmentID          sql.Null[string]
		environmentName            sql.Null[string]
		logicalID, logicalName     sql.Null[string]
		deploymentName, artifactID sql.Null[string]
		name, version, digest      sql.Null[string]
		kind, status               sql.Null[int64]
		created, updated, seen     timestamp
	)
	err = rows.Scan(append(before, &id, &environmentID, &environmentName, &logicalID, &logicalName, &deploymentName,
		&artifactID, &kind, &name, &version, &digest, &status, &created, &updated, &seen)...)
	if err != nil || !id.Valid {
		return deployments.Record{}, false, err
	}
	return deployments.Record{
		ID:                     id.V,
		EnvironmentID:          environmentID.V,
		EnvironmentName:        environmentName.V,
		LogicalEnvironmentID:   logicalID.V,
		LogicalEnvironmentName: logicalName.V,
		DeploymentName:         deploymentName.V,
		ArtifactID:             artifactID.V,
		Artifact: deployments.Artifact{
			Kind: deployments.Kind(kind.V), Name: name.V, Version: version.V, Digest: digest.V,
		},
		Status:     deployments.Status(status.V),
		CreatedAt:  created.Time,
		UpdatedAt:  updated.Time,
		LastSeenAt: seen.Time,
	}, true, nil
}
