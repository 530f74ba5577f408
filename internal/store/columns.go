package store

import (
	"database/sql"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// storedColumns are a record's own, as deployment_records has them.
const storedColumns = `id, environment_id, logical_environment_id, deployment_name, artifact_id, status, created_at, updated_at, last_seen_at`

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

// recordScan reads rows of other columns and recordColumns; one reads many rows, into the same places.
type recordScan struct {
	into                       []any
	id, environmentID          sql.Null[string]
	environmentName            sql.Null[string]
	logicalID, logicalName     sql.Null[string]
	deploymentName, artifactID sql.Null[string]
	name, version, digest      sql.Null[string]
	kind, status               sql.Null[int64]
	created, updated, seen     timestamp
}

// scanRecords reads rows that begin with what is given, before recordColumns.
func scanRecords(before ...any) *recordScan {
	s := &recordScan{}
	s.into = append(before, &s.id, &s.environmentID, &s.environmentName, &s.logicalID, &s.logicalName, &s.deploymentName,
		&s.artifactID, &s.kind, &s.name, &s.version, &s.digest, &s.status, &s.created, &s.updated, &s.seen)
	return s
}

// next reads a row. It is false if the row has no record: an outer join's.
func (s *recordScan) next(rows *sql.Rows) (record deployments.Record, found bool, err error) {
	if err := rows.Scan(s.into...); err != nil || !s.id.Valid {
		return deployments.Record{}, false, err
	}
	return deployments.Record{
		ID:                     s.id.V,
		EnvironmentID:          s.environmentID.V,
		EnvironmentName:        s.environmentName.V,
		LogicalEnvironmentID:   s.logicalID.V,
		LogicalEnvironmentName: s.logicalName.V,
		DeploymentName:         s.deploymentName.V,
		ArtifactID:             s.artifactID.V,
		Artifact: deployments.Artifact{
			Kind: deployments.Kind(s.kind.V), Name: s.name.V, Version: s.version.V, Digest: s.digest.V,
		},
		Status:     deployments.Status(s.status.V),
		CreatedAt:  s.created.Time,
		UpdatedAt:  s.updated.Time,
		LastSeenAt: s.seen.Time,
	}, true, nil
}
