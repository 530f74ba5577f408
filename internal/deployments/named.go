package deployments

import "slices"

// NamedIdentities has the identities of its deployment name and kind that an item of a snapshot names. The snapshot
// decommissions none of them for being omitted.
type NamedIdentities struct {
	DeploymentName string
	Kind           Kind
	// LogicalEnvironmentName is nil if the item may be about any logical environment.
	LogicalEnvironmentName *string
}

// Named returns the identities that the item is about. A rejected item may be about several, because a part of it that
// has a violation may stand for any value: the artifact may well be running. Without a deployment name it may be about any
// identity, and all is true.
func (i BatchItem) Named() (named []NamedIdentities, all bool) {
	if len(i.Violations) == 0 {
		return []NamedIdentities{{i.DeploymentName, i.Kind, &i.LogicalEnvironmentName}}, false
	}
	if i.DeploymentName == "" {
		return nil, true
	}
	if CheckName(i.DeploymentName) != nil {
		return nil, false // no record has such a name
	}
	logicalEnvironmentName := &i.LogicalEnvironmentName
	if slices.ContainsFunc(i.Violations, func(v Violation) bool { return v.Field == "logical_environment_name" }) {
		logicalEnvironmentName = nil
	}
	kinds := []Kind{i.Kind}
	if i.Kind == AnyKind {
		kinds = []Kind{ContainerImage, HelmChart}
	}
	for _, kind := range kinds {
		named = append(named, NamedIdentities{i.DeploymentName, kind, logicalEnvironmentName})
	}
	return named, false
}
