package api

import (
	"slices"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// validateSnapshot returns the violations of the members that only a complete batch has (W8). The document checks each by
// itself.
func validateSnapshot(b *recording.DeploymentBatch) (violations []string) {
	if b.Scope == nil {
		return nil
	}
	if !value(b.Complete) {
		violations = append(violations, "scope: goes with complete only")
	}
	if name := value(b.Scope.LogicalEnvironmentName); name != "" {
		if err := deployments.CheckRecordedName(name); err != nil {
			violations = append(violations, "scope.logical_environment_name: "+err.Error())
		}
	}
	if err := deployments.CheckText(value(b.Scope.DeploymentNamePrefix)); err != nil {
		violations = append(violations, "scope.deployment_name_prefix: "+err.Error())
	}
	return violations
}

// toSnapshot translates the members of a complete batch.
func toSnapshot(b *recording.DeploymentBatch) *deployments.Snapshot {
	return &deployments.Snapshot{
		EnvironmentName: value(b.EnvironmentName),
		Scope:           toScope(value(b.Scope)),
		ObservedAt:      b.ObservedAt.UTC(),
	}
}

// toScope translates the scope. Its kinds are sorted, so that equal scopes are equal.
func toScope(s recording.SnapshotScope) deployments.SnapshotScope {
	scope := deployments.SnapshotScope{
		LogicalEnvironmentName: s.LogicalEnvironmentName,
		DeploymentNamePrefix:   value(s.DeploymentNamePrefix),
	}
	for _, kind := range value(s.Kinds) {
		scope.Kinds = append(scope.Kinds, recordedKinds[recording.DeploymentKind(kind)])
	}
	slices.Sort(scope.Kinds)
	scope.Kinds = slices.Compact(scope.Kinds)
	return scope
}
