package store

import (
	"database/sql"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// storedColumns are a record's own, as deployment_records has them.
const storedColumns = `id, environment_id, logical_environment_id, deployment_name, artifact_id, status, created_at, updated_at, last_seen_at`

// ownColumns are storedColumns of an r.
const ownColumns = `r.id, r.environment_id, r.logical_environment_id, r.deployment_name, r.artifact_id, r.status, r.created_at, r.updated_at, r.last_seen_at`

// recordScan reads rows of records; one reads many rows, into the same places.
type recordScan struct {
	into                                  []any
	id, environmentID, logicalID          sql.Null[string]
	deploymentName, artifactID            sql.Null[string]
	environmentName, logicalName          sql.Null[string]
	artifactName, artifactVersion, digest sql.Null[string]
	kind, status                          sql.Null[int64]
	created, updated, seen                timestamp
}

// scanOwn reads rows that begin with what is given, before ownColumns.
func scanOwn(before ...any) *recordScan {
	s := &recordScan{}
	s.into = append(before, &s.id, &s.environmentID, &s.logicalID, &s.deploymentName, &s.artifactID, &s.status, &s.created, &s.updated, &s.seen)
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
			Kind: deployments.Kind(s.kind.V), Name: s.artifactName.V, Version: s.artifactVersion.V, Digest: s.digest.V,
		},
		Status:     deployments.Status(s.status.V),
		CreatedAt:  s.created.Time,
		UpdatedAt:  s.updated.Time,
		LastSeenAt: s.seen.Time,
	}, true, nil
}
